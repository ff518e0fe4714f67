#include "notify/outbox.hpp"

#include "base/error.hpp"
#include "notices.hpp"
#include "schedule/state_file.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

class OutboxTest : public testing::Test {
protected:
    std::unique_ptr<OwnDatabase> database_ = state_in_memory();
    Outbox outbox_{*database_};
    Notice notice_ = failed_notice();
    sys_seconds now_ = notice_.time;
};

TEST_F(OutboxTest, GivesBackWhatItWasGiven) {
    EXPECT_FALSE(outbox_.next_time());
    EXPECT_TRUE(outbox_.put("ops", notice_, hours(1)));
    EXPECT_EQ(outbox_.next_time(), now_);
    const OutboxMessage message = outbox_.take(now_, now_ + minutes(3)).value();
    EXPECT_EQ(message.receiver, "ops");
    EXPECT_EQ(message.tries, 0U);
    EXPECT_EQ(to_json(message.notice), to_json(notice_));
    EXPECT_EQ(message.notice.facts, notice_.facts);
    EXPECT_EQ(message.notice.time, notice_.time);
}

TEST_F(OutboxTest, WhatSomebodyTookIsHisForAWhile) {
    outbox_.put("ops", notice_, hours(1));
    const OutboxMessage first = outbox_.take(now_, now_ + minutes(3)).value();
    EXPECT_FALSE(outbox_.take(now_ + minutes(2), now_ + hours(1)));
    const OutboxMessage second = outbox_.take(now_ + minutes(3), now_ + hours(1)).value();
    EXPECT_EQ(second.id, first.id);
    EXPECT_EQ(second.tries, 1U);
    outbox_.told(second);
    EXPECT_FALSE(outbox_.take(now_ + hours(9), now_ + hours(10)));
    EXPECT_FALSE(outbox_.next_time());
}

TEST_F(OutboxTest, TheSameIsNotToldAgainSoSoon) {
    EXPECT_TRUE(outbox_.put("ops", notice_, hours(1)));
    notice_.time += minutes(30);
    EXPECT_FALSE(outbox_.put("ops", notice_, hours(1)));
    EXPECT_TRUE(outbox_.put("chat", notice_, hours(1)));
    notice_.event = Event::recovered;
    EXPECT_TRUE(outbox_.put("ops", notice_, hours(1)));
    notice_.event = Event::failure;
    notice_.time += minutes(29);
    EXPECT_FALSE(outbox_.put("ops", notice_, hours(1)));
    notice_.time += minutes(1);
    EXPECT_TRUE(outbox_.put("ops", notice_, hours(1)));
    std::string last;
    while (auto message = outbox_.take(now_ + hours(5), now_ + hours(6))) {
        if (message->receiver == "ops") {
            last = to_json(message->notice);
        }
    }
    EXPECT_NE(last.find("2 of the same"), std::string::npos) << last;
}

TEST_F(OutboxTest, AClockSetBackKeepsNobodyQuiet) {
    EXPECT_TRUE(outbox_.put("ops", notice_, hours(1)));
    notice_.time -= hours(24 * 365);
    EXPECT_TRUE(outbox_.put("ops", notice_, hours(1)));
}

TEST_F(OutboxTest, GivesUpAndTrims) {
    outbox_.put("ops", notice_, hours(1));
    const OutboxMessage message = outbox_.take(now_, now_ + minutes(3)).value();
    outbox_.postpone(message, now_ + hours(2), "busy");
    EXPECT_EQ(outbox_.next_time(), now_ + hours(2));
    outbox_.give_up(message, "no such channel");
    EXPECT_FALSE(outbox_.next_time());
    outbox_.trim(now_ + hours(1));
    EXPECT_EQ(database_->integer("SELECT count(*) FROM messages"), 0);
}

TEST_F(OutboxTest, ADamagedMessageHoldsUpNoOther) {
    outbox_.put("ops", notice_, hours(1));
    database_->execute("UPDATE messages SET notice = '{\"id\": 3'");
    notice_.job = "other";
    outbox_.put("ops", notice_, hours(1));
    EXPECT_EQ(outbox_.take(now_, now_ + minutes(3)).value().notice.job, "other");
    EXPECT_FALSE(outbox_.take(now_, now_ + minutes(3)));
}

}  // namespace
}  // namespace dbbackup
