/// @file
/// Prunes where the store lets nobody remove objects before their time.

#include "repository/object_kinds.hpp"
#include "support/locking_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"
#include "support/sample_prune.hpp"
#include "support/temporary_folder.hpp"
#include "unit/repository/repository_place.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr days kLock{30};

class PruneLocksTest : public testing::Test {
protected:
    SnapshotId take(LockingStorage& storage, std::uint64_t seed) {
        SampleDatabase shop;
        shop.set_opaque("script", noise(seed, 3000));
        const SnapshotId id = back_up(shop, storage).snapshot.summary.id;
        contents_[id] = shop.contents();
        return id;
    }

    PruneReport prune(LockingStorage& storage, Retention retention = {}) {
        const auto repository = open_repository(storage);
        Log log;
        Progress progress;
        PruneOptions options = sample_prune(std::move(retention));
        options.lock_folder = folder_.path();
        return dbbackup::prune(*repository, options, {clock_, log, progress}, {});
    }

    void expect_whole(Storage& storage, const SnapshotId& id) {
        EXPECT_EQ(restore(id, storage), contents_.at(id));
        EXPECT_EQ(findings_text(verify(storage, VerifyDepth::data)), "");
    }

    FakeClock clock_;
    MemoryStorage disk_{{.clock = &clock_}};
    TemporaryFolder folder_;
    std::map<SnapshotId, Contents> contents_;
};

TEST_F(PruneLocksTest, WhatIsLockedIsToldAndGoesLater) {
    LockingStorage storage(disk_, clock_,
                           {.lock = kLock, .rules = repository_object_rules(), .is_told = true});
    make_repository(storage);
    take(storage, 1);
    const SnapshotId newest = take(storage, 2);

    PruneReport report = prune(storage, keep_newest(1));
    EXPECT_EQ(report.packs_removed, 0U);
    EXPECT_EQ(report.bytes_freed, 0U);
    EXPECT_GE(report.locked.objects(), 2U) << "a pack and a manifest";
    EXPECT_GT(report.locked.bytes(), 3000U);
    EXPECT_EQ(report.locked.until(),
              std::chrono::floor<std::chrono::seconds>(clock_.now()) + kLock);
    EXPECT_EQ(storage.refused(), 0U) << "it was asked before";
    EXPECT_EQ(snapshots(storage).size(), 1U);
    const std::uint64_t locked = report.locked.objects();

    clock_.advance(hours(24));
    EXPECT_EQ(prune(storage).locked.objects(), locked);
    expect_whole(storage, newest);

    clock_.advance(kLock);
    report = prune(storage);
    EXPECT_EQ(report.locked.objects(), 0U);
    EXPECT_GT(report.packs_removed, 0U);
    EXPECT_EQ(garbage(storage), "");
    expect_whole(storage, newest);
}

TEST_F(PruneLocksTest, WhatIsNeededStaysLockedForLittle) {
    LockingStorage storage(disk_, clock_,
                           {.lock = kLock, .rules = repository_object_rules(), .is_told = true});
    make_repository(storage);
    const SnapshotId first = take(storage, 1);
    PruneReport report = prune(storage);
    EXPECT_GT(report.locks_extended, 2U) << "the first prune of a machine knows of no lock";
    EXPECT_EQ(report.locks_extended, storage.extended());
    const std::uint64_t all = report.locks_extended;
    std::uint64_t requests = 0;
    for (int day = 0; day < 90; ++day) {
        clock_.advance(hours(24));
        requests += prune(storage).locks_extended;
        for (const auto& [name, end] : storage.ends()) {
            EXPECT_GE(end, clock_.now() + kLock / 2) << name << ", day " << day;
        }
    }
    EXPECT_GE(requests, 5 * all);
    EXPECT_LE(requests, 6 * all) << "once in half of the time";
    expect_whole(storage, first);
}

TEST_F(PruneLocksTest, WhatIsRemovedIsNotLockedAnew) {
    LockingStorage storage(disk_, clock_,
                           {.lock = kLock, .rules = repository_object_rules(), .is_told = true});
    make_repository(storage);
    take(storage, 1);
    take(storage, 2);
    static_cast<void>(prune(storage));
    clock_.advance(hours(24));
    const auto end = prune(storage, keep_newest(1)).locked.until();
    ASSERT_TRUE(end);
    while (clock_.now() < *end) {
        EXPECT_LE(prune(storage).locked.until().value(), *end);
        clock_.advance(hours(24) * 5);
    }
    EXPECT_EQ(prune(storage).locked.objects(), 0U);
    EXPECT_EQ(garbage(storage), "");
}

/// A bucket's own default retention, of which the program knows nothing, holds the collector's own
/// records too: the protocol must live with markers and signs of life that stay.
TEST_F(PruneLocksTest, ABucketMayLockEverything) {
    LockingStorage storage(disk_, clock_, {.lock = kLock, .rules = {}, .is_told = false});
    make_repository(storage);
    SnapshotId newest;
    for (std::uint64_t day = 0; day < 10; ++day) {
        newest = take(storage, day);
        const PruneReport report = prune(storage, keep_newest(2));
        EXPECT_TRUE(report.waiting_for.empty());
        EXPECT_EQ(report.packs_removed, 0U);
        EXPECT_EQ(report.locks_extended, 0U);
        EXPECT_GT(report.locked.objects(), 0U);
        EXPECT_LE(snapshots(storage).size(), 2U);
        clock_.advance(hours(24));
    }
    expect_whole(storage, newest);
    clock_.advance(kLock);
    static_cast<void>(prune(storage));
    clock_.advance(kLock + hours(1));
    static_cast<void>(prune(storage));
    expect_whole(storage, newest);
    for (const auto& [name, content] : disk_.contents()) {
        EXPECT_FALSE(name.starts_with("condemned/")) << name;
    }
}

}  // namespace
}  // namespace dbbackup
