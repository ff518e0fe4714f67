#include "storage/throttled_storage.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A clock that moves only by being waited for.
struct WaitedTime {
    steady_clock::time_point now{};
    milliseconds waited{0};

    ThrottleEnvironment environment() {
        return {[this] { return now; },
                [this](milliseconds duration, const std::stop_token&) {
                    waited += duration;
                    now += duration;
                }};
    }
};

TEST(BandwidthLimit, NeverLetsMorePassThanItsRateAndOneSecond) {
    constexpr std::uint64_t kSeed = 17;
    std::mt19937_64 random(kSeed);
    WaitedTime time;
    BandwidthLimit limit(1_MiB, time.environment());
    const steady_clock::time_point begun = time.now;
    double passed = 0;
    for (int call = 0; call < 2000; ++call) {
        const std::size_t bytes = random() % (call % 50 == 0 ? 16_MiB : 100_KiB);
        limit.pay(bytes, {});
        passed += static_cast<double>(bytes);
        const double elapsed = std::chrono::duration<double>(time.now - begun).count();
        ASSERT_LE(passed, (elapsed + 1.001) * static_cast<double>(1_MiB)) << "call " << call;
        if (call % 7 == 0) {
            time.now += milliseconds(random() % 3000);  // something else was done
        }
    }
}

TEST(BandwidthLimit, LosesNoTimeBeyondWhatTheRateCosts) {
    WaitedTime time;
    BandwidthLimit limit(1_MiB, time.environment());
    limit.pay(1_MiB, {});
    EXPECT_EQ(time.waited, milliseconds(0)) << "a second's worth passes at once";
    for (int call = 0; call < 100; ++call) {
        limit.pay(100_KiB, {});
    }
    EXPECT_NEAR(std::chrono::duration<double>(time.waited).count(), 100.0 * 100 / 1024, 0.2);
    time.now += std::chrono::hours(5);
    time.waited = {};
    limit.pay(3_MiB, {});
    EXPECT_NEAR(std::chrono::duration<double>(time.waited).count(), 2, 0.01)
        << "a long rest saves up one second";
}

TEST(ThrottledStorage, LimitsEachWayByItself) {
    MemoryStorage memory;
    WaitedTime time;
    ThrottledStorage storage(memory.handle(), 1_MiB, time.environment());
    storage.put(ObjectName("a"), Bytes(3_MiB), {});
    EXPECT_EQ(time.waited, seconds(2));
    EXPECT_EQ(storage.get_range(ObjectName("a"), {0, 1_MiB}, {})->size(), 1_MiB);
    EXPECT_EQ(time.waited, seconds(2)) << "what was sent is no reason to wait with receiving";
    EXPECT_EQ(storage.get_range(ObjectName("a"), {2_MiB, ~std::uint64_t{0}}, {})->size(), 1_MiB);
    EXPECT_GE(time.waited, milliseconds(2000)) << "and only what came is paid for";
    EXPECT_LE(time.waited, milliseconds(3000));
    EXPECT_EQ(storage.get(ObjectName("none"), {}), std::nullopt);
    EXPECT_EQ(storage.size_bytes(ObjectName("a"), {}), 3_MiB);
    const milliseconds before = time.waited;
    storage.list({}, [](const ObjectInfo&) {}, {});
    storage.remove(ObjectName("a"), {});
    EXPECT_EQ(time.waited, before);
}

TEST(ThrottledStorage, ARepeatedWriteOfAnUploadIsPaidOnce) {
    MemoryStorage memory;
    WaitedTime time;
    int failures = 3;
    Faults faults;
    faults.before = [&failures](const StorageCall& call) {
        if (call.operation == StorageOperation::write && failures-- > 0) {
            throw StorageError("the line is cut", Retry::may_help);
        }
    };
    ThrottledStorage storage(std::make_unique<FaultyStorage>(memory, faults), 1_MiB,
                             time.environment());
    const std::unique_ptr<Upload> upload = storage.begin_upload(ObjectName("a"), {});
    const Bytes piece(3_MiB);
    for (int call = 0; call < 3; ++call) {
        EXPECT_THROW(upload->write(piece, {}), StorageError);
    }
    upload->write(piece, {});
    EXPECT_EQ(time.waited, seconds(2));
    EXPECT_EQ(upload->commit({}), PutResult::created);
    EXPECT_EQ(storage.size_bytes(ObjectName("a"), {}), 3_MiB);
}

TEST(ThrottledStorage, IsSharedByItsThreads) {
    MemoryStorage memory;
    ThrottledStorage storage(memory.handle(), 20_MiB, ThrottleEnvironment::system());
    const auto begun = steady_clock::now();
    std::vector<std::thread> threads;
    for (int number = 0; number < 8; ++number) {
        threads.emplace_back([&storage, number] {
            storage.put(ObjectName("object-" + std::to_string(number)), Bytes(3_MiB), {});
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    // 24 MiB, of which 20 pass at once.
    EXPECT_GE(steady_clock::now() - begun, milliseconds(190));
}

TEST(ThrottledStorage, StopsWhileItWaits) {
    MemoryStorage memory;
    ThrottledStorage storage(memory.handle(), 1_KiB, ThrottleEnvironment::system());
    std::stop_source source;
    std::thread stopper([&source] { source.request_stop(); });
    EXPECT_THROW(storage.put(ObjectName("a"), Bytes(10_MiB), source.get_token()), Cancelled);
    stopper.join();
    EXPECT_EQ(storage.size_bytes(ObjectName("a"), {}), std::nullopt);
}

}  // namespace
}  // namespace dbbackup
