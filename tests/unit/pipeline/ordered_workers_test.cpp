#include "pipeline/ordered_workers.hpp"

#include "base/guarded.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kNoBound = 1'000'000;

/// Opened once; who waits in vain for ten seconds makes the test fail instead of hang.
class Gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        is_open_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [this] { return is_open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_open_ = false;
};

using Stage = OrderedWorkers<int, int>;

TEST(OrderedWorkers, DeliversInTheOrderOfPushesWhenLaterItemsAreReadyFirst) {
    // In each group of as many items as there are workers, every item waits for its successor.
    constexpr int kWorkers = 8;
    constexpr int kItems = 20 * kWorkers;
    std::vector<std::unique_ptr<Gate>> is_done;
    for (int item = 0; item < kItems; ++item) {
        is_done.push_back(std::make_unique<Gate>());
    }
    std::atomic<bool> waited_in_vain = false;
    std::vector<int> delivered;
    Stage stage(
        kWorkers, kNoBound,
        [&](int item, unsigned) {
            if (item % kWorkers != kWorkers - 1 &&
                !is_done[static_cast<std::size_t>(item) + 1]->wait()) {
                waited_in_vain = true;
            }
            is_done[static_cast<std::size_t>(item)]->open();
            return item * 2;
        },
        [&](int result) { delivered.push_back(result); }, {});
    for (int item = 0; item < kItems; ++item) {
        stage.push(item, 1);
    }
    stage.finish();

    ASSERT_FALSE(waited_in_vain);
    ASSERT_EQ(delivered.size(), static_cast<std::size_t>(kItems));
    for (int item = 0; item < kItems; ++item) {
        EXPECT_EQ(delivered[static_cast<std::size_t>(item)], item * 2);
    }
}

TEST(OrderedWorkers, TellsEachWorkerItsNumber) {
    constexpr unsigned kWorkers = 3;
    std::array<std::atomic<int>, kWorkers> users{};
    std::atomic<bool> is_shared = false;
    Stage stage(
        kWorkers, kNoBound,
        [&](int item, unsigned worker) {
            is_shared = is_shared || worker >= kWorkers || users.at(worker)++ != 0;
            users.at(worker)--;
            return item;
        },
        [](int) {}, {});
    for (int item = 0; item < 300; ++item) {
        stage.push(item, 1);
    }
    stage.finish();
    EXPECT_FALSE(is_shared);
}

TEST(OrderedWorkers, KeepsWhatIsInsideWithinTheBound) {
    constexpr std::int64_t kBound = 100;
    std::atomic<std::int64_t> inside = 0;
    std::atomic<std::int64_t> inside_max = 0;
    const auto note = [&](std::int64_t change) {
        const std::int64_t now = inside += change;
        std::int64_t before = inside_max;
        while (before < now && !inside_max.compare_exchange_weak(before, now)) {
        }
    };
    Stage stage(
        4, kBound, [](int item, unsigned) { return item; }, [&](int bytes) { note(-bytes); }, {});
    for (int item = 0; item < 2000; ++item) {
        const int bytes = 1 + item * 7 % 60;
        stage.push(bytes, static_cast<std::uint64_t>(bytes));
        note(bytes);
    }
    stage.finish();
    // Counted after push returned and before delivery ended, so never more than the stage counts.
    EXPECT_LE(inside_max, kBound);
    EXPECT_GT(inside_max, 0);
    EXPECT_EQ(inside, 0);
}

TEST(OrderedWorkers, LetsSeveralItemsInAtOnce) {
    Gate first;
    Gate second;
    std::atomic<bool> met = true;
    Stage stage(
        2, 10,
        [&](int item, unsigned) {
            (item == 0 ? first : second).open();
            met = met && (item == 0 ? second : first).wait();
            return item;
        },
        [](int) {}, {});
    stage.push(0, 5);
    stage.push(1, 5);
    stage.finish();
    EXPECT_TRUE(met);
}

TEST(OrderedWorkers, LetsAnItemLargerThanTheBoundInAlone) {
    std::vector<int> delivered;
    Stage stage(
        2, 10, [](int item, unsigned) { return item; },
        [&](int item) { delivered.push_back(item); }, {});
    stage.push(1, 1000);
    stage.push(2, 1000);
    stage.push(3, 1);
    stage.finish();
    EXPECT_EQ(delivered, (std::vector<int>{1, 2, 3}));
}

/// As when a stage is destroyed that another stage waits to push into.
TEST(OrderedWorkers, WhoeverWaitsLearnsThatTheStageWasGivenUp) {
    Gate is_worked_on;
    Gate given_up;
    Stage stage(
        1, 1,
        [&](int item, unsigned) {
            is_worked_on.open();
            static_cast<void>(given_up.wait());
            return item;
        },
        [](int) { ADD_FAILURE() << "nothing is delivered any more"; }, {});
    stage.push(1, 1);
    bool is_cancelled = false;
    std::jthread producer([&] {
        try {
            stage.push(2, 1);
        } catch (const Cancelled&) {
            is_cancelled = true;
        }
    });
    ASSERT_TRUE(is_worked_on.wait());
    stage.give_up();
    given_up.open();
    producer.join();
    EXPECT_TRUE(is_cancelled);
    EXPECT_THROW(stage.finish(), Cancelled);
}

TEST(OrderedWorkers, FinishesWithoutItems) {
    Stage stage(2, 10, [](int item, unsigned) { return item; }, [](int) {}, {});
    stage.finish();
    stage.finish();
}

TEST(OrderedWorkers, RethrowsWhatWorkThrew) {
    std::vector<int> delivered;
    {
        Stage stage(
            3, kNoBound,
            [](int item, unsigned) {
                if (item == 5) {
                    throw std::runtime_error("no fifth");
                }
                return item;
            },
            [&](int item) { delivered.push_back(item); }, {});
        EXPECT_THROW(
            {
                for (int item = 0; item < 20; ++item) {
                    stage.push(item, 1);
                }
                stage.finish();
            },
            std::runtime_error);
        EXPECT_THROW(stage.push(99, 1), std::runtime_error);
        EXPECT_THROW(stage.finish(), std::runtime_error);
    }  // An earlier item may be in delivery until the stage is gone.
    EXPECT_LE(delivered.size(), 5U) << "nothing that follows the failed item may be delivered";
}

TEST(OrderedWorkers, RethrowsWhatDeliverThrewAndDeliversNothingMore) {
    std::vector<int> delivered;
    Stage stage(
        3, kNoBound, [](int item, unsigned) { return item; },
        [&](int item) {
            if (item == 4) {
                throw std::logic_error("no fourth");
            }
            delivered.push_back(item);
        },
        {});
    EXPECT_THROW(
        {
            for (int item = 0; item < 20; ++item) {
                stage.push(item, 1);
            }
            stage.finish();
        },
        std::logic_error);
    EXPECT_EQ(delivered, (std::vector<int>{0, 1, 2, 3}));
}

TEST(OrderedWorkers, AFailureWakesAProducerThatWaitsForRoom) {
    Gate pushing;
    Stage stage(
        1, 1,
        [&](int, unsigned) -> int {
            EXPECT_TRUE(pushing.wait());
            throw std::runtime_error("broken");
        },
        [](int) {}, {});
    stage.push(0, 1);
    pushing.open();
    EXPECT_THROW(stage.push(1, 1), std::runtime_error);
}

TEST(OrderedWorkers, TheStopTokenWakesAProducerThatWaitsForRoom) {
    std::stop_source stop;
    Gate release;
    Stage stage(
        1, 1,
        [&](int item, unsigned) {
            EXPECT_TRUE(release.wait());
            return item;
        },
        [](int) {}, stop.get_token());
    stage.push(0, 1);
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_THROW(stage.push(1, 1), Cancelled);
    EXPECT_THROW(stage.finish(), Cancelled);
    release.open();
}

TEST(OrderedWorkers, WorksOnNothingMoreOnceTheStopTokenFired) {
    std::stop_source stop;
    Gate started;
    Gate release;
    std::atomic<int> worked = 0;
    {
        Stage stage(
            1, kNoBound,
            [&](int item, unsigned) {
                ++worked;
                started.open();
                EXPECT_TRUE(release.wait());
                return item;
            },
            [](int) {}, stop.get_token());
        for (int item = 0; item < 10; ++item) {
            stage.push(item, 1);
        }
        EXPECT_TRUE(started.wait());
        stop.request_stop();
        release.open();
        EXPECT_THROW(stage.finish(), Cancelled);
    }
    EXPECT_EQ(worked, 1);
}

TEST(OrderedWorkers, TheDestructorDropsWhatWaitsAndJoins) {
    // The first item is held back until the second one, which waits, is dropped.
    Gate dropped;
    std::atomic<int> worked = 0;
    std::atomic<int> delivered = 0;
    {
        OrderedWorkers<std::shared_ptr<int>, int> stage(
            1, kNoBound,
            [&](const std::shared_ptr<int>& item, unsigned) {
                ++worked;
                EXPECT_TRUE(dropped.wait()) << "the destructor worked on what was waiting";
                return *item;
            },
            [&](int) { ++delivered; }, {});
        stage.push(std::make_shared<int>(0), 1);
        while (worked == 0) {
            std::this_thread::yield();
        }
        stage.push(std::shared_ptr<int>(new int(1),
                                        [&](const int* item) {
                                            delete item;
                                            dropped.open();
                                        }),
                   1);
    }
    EXPECT_EQ(worked, 1);
    EXPECT_EQ(delivered, 0);
}

}  // namespace
}  // namespace dbbackup
