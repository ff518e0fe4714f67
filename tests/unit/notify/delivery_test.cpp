#include "notify/delivery.hpp"

#include "base/error.hpp"
#include "notices.hpp"
#include "schedule/state_file.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

class MovedClock final : public Clock {
public:
    [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override {
        return time;
    }
    sys_seconds time{};
};

class Teller final : public Notifier {
public:
    explicit Teller(std::function<void(const Notice&)> tell) : tell_(std::move(tell)) {}
    void send(const Notice& notice, std::stop_token /*stop*/) override { tell_(notice); }

private:
    std::function<void(const Notice&)> tell_;
};

class DeliveryTest : public testing::Test {
protected:
    DeliveryTest() { clock_.time = failed_notice().time; }

    void put(const std::string& job) {
        Notice notice = failed_notice();
        notice.job = job;
        outbox_.put("ops", notice, seconds(0));
    }
    void deliver_now() {
        const auto find = [this](const std::string&) -> std::unique_ptr<Notifier> {
            return is_known_ ? std::make_unique<Teller>(tell_) : nullptr;
        };
        deliver(outbox_, find, clock_, clock_.time + minutes(1), log_, {});
    }

    std::unique_ptr<OwnDatabase> database_ = state_in_memory();
    Outbox outbox_{*database_};
    MovedClock clock_;
    Log log_;
    bool is_known_ = true;
    std::vector<std::string> told_;
    std::function<void(const Notice&)> tell_ = [this](const Notice& notice) {
        told_.push_back(notice.job);
    };
};

TEST_F(DeliveryTest, TellsEverythingOnce) {
    put("a");
    put("b");
    deliver_now();
    deliver_now();
    EXPECT_EQ(told_, (std::vector<std::string>{"a", "b"}));
}

TEST_F(DeliveryTest, TriesAgainWithGrowingPauses) {
    put("a");
    int tries = 0;
    tell_ = [&tries](const Notice&) {
        ++tries;
        throw Error("busy", Retry::may_help);
    };
    const sys_seconds begin = clock_.time;
    for (; clock_.time < begin + hours(24 * 5); clock_.time += seconds(15)) {
        deliver_now();
    }
    EXPECT_GT(tries, 140);  // Each half an hour for three days.
    EXPECT_LT(tries, 160);
    EXPECT_FALSE(outbox_.next_time());
}

TEST_F(DeliveryTest, WaitsAsLongAsItIsTold) {
    put("a");
    tell_ = [](const Notice&) {
        Error error("busy", Retry::may_help);
        error.set_retry_after(hours(2));
        throw error;
    };
    deliver_now();
    EXPECT_EQ(outbox_.next_time(), clock_.time + hours(2));
}

TEST_F(DeliveryTest, GivesUpWhatWillNeverBeTaken) {
    put("a");
    put("b");
    tell_ = [this](const Notice& notice) {
        if (notice.job == "a") {
            throw Error("no such channel");
        }
        told_.push_back(notice.job);
    };
    deliver_now();
    EXPECT_EQ(told_, std::vector<std::string>{"b"});
    EXPECT_FALSE(outbox_.next_time());
}

TEST_F(DeliveryTest, AReceiverThatIsGoneGetsNothing) {
    put("a");
    is_known_ = false;
    deliver_now();
    EXPECT_FALSE(outbox_.next_time());
}

TEST_F(DeliveryTest, ADeathInTheMiddleLosesNothing) {
    put("a");
    struct Death {};
    tell_ = [](const Notice&) { throw Death(); };
    EXPECT_THROW(deliver_now(), Death);
    tell_ = [this](const Notice& notice) { told_.push_back(notice.job); };
    deliver_now();
    EXPECT_TRUE(told_.empty());  // Whoever took it may still be at it.
    clock_.time += minutes(3);
    deliver_now();
    EXPECT_EQ(told_, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace dbbackup
