#include "engine/lock_passes.hpp"

#include "base/bytes.hpp"
#include "support/temporary_folder.hpp"
#include "sys/file.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::sys_seconds;

constexpr days kLock{30};
const sys_seconds kStart = sys_seconds(days(20'000));

class LockPassesTest : public testing::Test {
protected:
    LockPasses open(days lock = kLock) { return LockPasses(file_, lock); }

    TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "locks" / "x";
};

TEST_F(LockPassesTest, TheFirstPassLocksEverything) {
    LockPasses passes = open();
    EXPECT_TRUE(passes.is_due(kStart, kStart));
    EXPECT_TRUE(passes.is_due(kStart - days(500), kStart));
    passes.add(kStart);
    EXPECT_FALSE(passes.is_due(kStart, kStart));
    EXPECT_FALSE(passes.is_due(kStart - days(500), kStart));
}

TEST_F(LockPassesTest, WhatHasLessThanHalfIsDue) {
    LockPasses passes = open();
    passes.add(kStart);
    EXPECT_FALSE(passes.is_due(kStart - days(3), kStart + days(15)));
    EXPECT_TRUE(passes.is_due(kStart - days(3), kStart + days(15) + hours(1)));
    EXPECT_FALSE(passes.is_due(kStart + days(5), kStart + days(20)));
    EXPECT_TRUE(passes.is_due(kStart + days(5), kStart + days(20) + hours(1)));
    passes.add(kStart + days(16));
    EXPECT_FALSE(passes.is_due(kStart - days(3), kStart + days(20))) << "locked again";
    EXPECT_TRUE(passes.is_due(kStart + days(5), kStart + days(21))) << "it was not due then";
}

TEST_F(LockPassesTest, AreRememberedForLocksOfOneLength) {
    {
        LockPasses passes = open();
        passes.add(kStart);
        passes.add(kStart + days(16));
        passes.save();
    }
    EXPECT_FALSE(open().is_due(kStart, kStart + days(20)));
    EXPECT_TRUE(open().is_due(kStart, kStart + days(32)));
    EXPECT_TRUE(open(days(60)).is_due(kStart, kStart + days(20))) << "those were shorter";
    EXPECT_TRUE(LockPasses(std::nullopt, kLock).is_due(kStart, kStart + days(20)));
}

TEST_F(LockPassesTest, AFileThatIsNoneMakesAFirstPass) {
    std::filesystem::create_directories(file_.parent_path());
    for (const char* text : {"", "x", "30\n5 4\n", "30\n1728000000 x\n"}) {
        replace_file(file_, as_bytes(text), 0600);
        EXPECT_TRUE(open().is_due(kStart, kStart)) << text;
    }
}

TEST_F(LockPassesTest, AClockThatWasSetBackProvesNothing) {
    LockPasses passes = open();
    passes.add(kStart + days(1000));
    passes.add(kStart);
    EXPECT_TRUE(passes.is_due(kStart, kStart + days(16)));
}

/// Goal: no lock ends while prunes run as often as they should. Method: a store in which each
/// object's lock is what the passes made of it, and prunes and puts at times of chance.
TEST_F(LockPassesTest, NoLockEverEndsBetweenPrunes) {
    constexpr std::uint64_t kSeed = 0x10c4;
    std::mt19937_64 random(kSeed);
    std::multimap<sys_seconds, sys_seconds> ends;  // By when the object was stored.
    sys_seconds now = kStart;
    std::size_t requests = 0;
    for (int step = 0; step < 600; ++step) {
        now += hours(1 + random() % 72);
        ends.emplace(now, now + kLock);
        if (step % 3 != 0) {
            continue;
        }
        LockPasses passes = open();
        std::size_t due = 0;
        for (auto& [stored_at, end] : ends) {
            ASSERT_GT(end, now) << "step " << step;
            if (passes.is_due(stored_at, now)) {
                end = now + kLock;
                ++due;
            }
            ASSERT_GE(end, now + kLock / 2) << "step " << step;
        }
        if (due > 0) {
            passes.add(now);
            passes.save();
        }
        requests += due;
    }
    const auto halves = static_cast<std::size_t>((now - kStart) / (kLock / 2));
    EXPECT_LE(requests, ends.size() * (halves + 1)) << "more than once in half of the time";
}

}  // namespace
}  // namespace dbbackup
