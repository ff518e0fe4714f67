#include "storage/cloud/renewing.hpp"

#include "base/error.hpp"
#include "support/fake_clock.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::minutes;

class RenewingTest : public testing::Test {
protected:
    Expiring<std::string> find() {
        ++asked_;
        if (is_away_) {
            throw StorageError("nobody answers", Retry::may_help);
        }
        return {std::make_shared<const std::string>(std::to_string(asked_)),
                life_
                    ? std::optional(std::chrono::floor<std::chrono::seconds>(clock_.now()) + *life_)
                    : std::nullopt};
    }
    std::string got() { return *renewing_.get({}); }

    FakeClock clock_;
    std::optional<minutes> life_ = minutes(60);
    bool is_away_ = false;
    int asked_ = 0;
    Renewing<std::string> renewing_{clock_, [this](const std::stop_token&) { return find(); }};
};

TEST_F(RenewingTest, AsksAgainShortlyBeforeTheEnd) {
    EXPECT_EQ(got(), "1");
    clock_.advance(minutes(54));
    EXPECT_EQ(got(), "1");
    clock_.advance(minutes(2));
    EXPECT_EQ(got(), "2");
}

TEST_F(RenewingTest, WhatHasNoEndIsAskedForOnce) {
    life_.reset();
    EXPECT_EQ(got(), "1");
    clock_.advance(minutes(1'000'000));
    EXPECT_EQ(got(), "1");
}

TEST_F(RenewingTest, ForgetsWhatWasRefused) {
    const auto first = renewing_.get({});
    renewing_.forget(first);
    const auto second = renewing_.get({});
    EXPECT_NE(*first, *second);
    renewing_.forget(first);  // Another thread was refused with the old ones, too.
    EXPECT_EQ(renewing_.get({}), second);
}

TEST_F(RenewingTest, AFirstFailureIsToldToEveryone) {
    is_away_ = true;
    EXPECT_THROW(got(), StorageError);
    is_away_ = false;
    EXPECT_EQ(got(), "2");
}

}  // namespace
}  // namespace dbbackup
