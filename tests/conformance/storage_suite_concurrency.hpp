#pragma once

/// @file
/// The part of the storage suite where several threads use a store at once.

#include "conformance/storage_suite.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

namespace dbbackup {

inline constexpr int kRacers = 16;

TEST_P(StorageSuite, LetsExactlyOneOfManyCreateAName) {
    constexpr int kRounds = 20;
    const std::unique_ptr<Storage> other = place_->open();
    for (int round = 0; round < kRounds; ++round) {
        const ObjectName name("race/" + std::to_string(round));
        std::latch start(kRacers);
        std::atomic<int> winner{-1};
        std::atomic<int> created{0};
        {
            std::vector<std::jthread> threads;
            for (int racer = 0; racer < kRacers; ++racer) {
                threads.emplace_back([&, racer] {
                    Storage& used = racer % 2 == 0 ? *storage_ : *other;
                    const Bytes content(40'000, static_cast<std::uint8_t>(racer));
                    start.arrive_and_wait();
                    if (used.put(name, content, {}) == PutResult::created) {
                        ++created;
                        winner = racer;
                    }
                    // Whoever was told "exists" or "created" finds a whole object.
                    const Bytes found = used.get(name, {}).value();
                    EXPECT_EQ(found.size(), content.size());
                    EXPECT_EQ(std::count(found.begin(), found.end(), found.front()), 40'000);
                });
            }
        }
        ASSERT_EQ(created, 1) << "round " << round;
        EXPECT_EQ(storage_->get(name, {}).value(),
                  Bytes(40'000, static_cast<std::uint8_t>(winner)));
    }
}

TEST_P(StorageSuite, ListsMoreObjectsThanOnePageHolds) {
    constexpr int kObjects = 1'250;  // S3 tells at most 1000 at once.
    StorageNames expected;
    for (int number = 0; number < kObjects; ++number) {
        expected.insert("many/" + std::to_string(number));
    }
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < kRacers; ++worker) {
        threads.emplace_back([this, worker] {
            for (int number = worker; number < kObjects; number += kRacers) {
                storage_->put(ObjectName("many/" + std::to_string(number)), {}, {});
            }
        });
    }
    threads.clear();
    EXPECT_EQ(names("many"), expected);
}

TEST_P(StorageSuite, NeverShowsHalfAnObject) {
    constexpr std::size_t kSize = 3'000'000;
    const ObjectName name("slow/object");
    const Bytes content = sample(kSize);
    std::atomic<bool> is_done{false};
    std::jthread reader([&] {
        const std::unique_ptr<Storage> other = place_->open();
        while (!is_done) {
            if (const auto size = other->size_bytes(name, {})) {
                EXPECT_EQ(*size, kSize);
            }
            if (const auto found = other->get(name, {})) {
                EXPECT_TRUE(*found == content);
            }
            other->list({}, [&](const ObjectInfo& info) { EXPECT_EQ(info.size_bytes, kSize); }, {});
        }
    });
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(storage_->put(name, content, {}), PutResult::created);
        storage_->remove(name, {});
    }
    is_done = true;
}

TEST_P(StorageSuite, ListsWhatWasThereBeforeWhileOthersWrite) {
    constexpr int kBefore = 100;
    StorageNames before;
    for (int number = 0; number < kBefore; ++number) {
        const std::string name =
            "packs/" + std::to_string(number % 10) + "/" + std::to_string(number);
        storage_->put(ObjectName(name), {}, {});
        before.insert(name);
    }
    std::jthread writer([&](const std::stop_token& stop) {
        const std::unique_ptr<Storage> other = place_->open();
        constexpr int kNewMax = 1'000;  // An endless stream would make listings endless, too.
        for (int number = 0; number < kNewMax && !stop.stop_requested(); ++number) {
            const ObjectName name("packs/" + std::to_string(number % 20) + "/new-" +
                                  std::to_string(number));
            other->put(name, as_bytes("new"), {});
            if (number % 2 == 0) {
                other->remove(name, {});
            }
        }
    });
    for (int round = 0; round < 30; ++round) {
        const StorageNames found = names("packs");
        EXPECT_TRUE(std::includes(found.begin(), found.end(), before.begin(), before.end()));
    }
}

TEST_P(StorageSuite, ServesManyThreadsAtOnce) {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < kRacers; ++worker) {
        threads.emplace_back([this, worker] {
            const std::string folder = "w" + std::to_string(worker) + "/";
            for (int number = 0; number < 10; ++number) {
                const ObjectName name(folder + std::to_string(number));
                const auto seed = static_cast<std::uint64_t>(worker * 100 + number);
                const Bytes content = sample(1000, seed);
                EXPECT_EQ(storage_->put(name, content, {}), PutResult::created);
                EXPECT_EQ(storage_->get(name, {}), content);
                if (number % 2 == 1) {
                    storage_->remove(name, {});
                }
            }
        });
    }
    threads.clear();
    EXPECT_EQ(names().size(), static_cast<std::size_t>(kRacers) * 5);
}

TEST_P(StorageSuite, StopsALargePutOrFinishesItWhole) {
    const ObjectName name("big");
    const Bytes content = sample(20'000'000);
    std::stop_source source;
    std::chrono::steady_clock::time_point stopped_at;
    std::jthread stopper([&] {
        // Any moment is right: the claim holds whether the put is before, within or after.
        std::this_thread::yield();
        stopped_at = std::chrono::steady_clock::now();
        source.request_stop();
    });
    bool is_cancelled = false;
    try {
        storage_->put(name, content, source.get_token());
    } catch (const Cancelled&) {
        is_cancelled = true;
    }
    stopper.join();
    if (is_cancelled) {
        // A server may have had all of it when the client hung up.
        const std::optional<Bytes> found = storage_->get(name, {});
        EXPECT_TRUE(!found || *found == content);
        EXPECT_EQ(names(), found ? StorageNames{"big"} : StorageNames{});
        // One second is the promise; the rest is for a machine that runs many tests at once.
        EXPECT_LT(std::chrono::steady_clock::now() - stopped_at, std::chrono::seconds(10));
    } else {
        EXPECT_TRUE(storage_->get(name, {}) == content);
    }
}

}  // namespace dbbackup
