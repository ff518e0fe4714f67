/// @file
/// A prune may die at any moment. Whichever storage operation it dies on, every snapshot that stays
/// must restore, no snapshot may be half removed, and the next prune must finish the work and leave
/// no garbage.
///
/// Method: run the same prune over a store that fails after N operations, for N = 0, 1, 2 ... until
/// it gets through: for good, with the failing operation carried out or not. The next prune is that
/// of another process. Everything is in memory and seeded.

#include "base/error.hpp"
#include "repository/snapshot_writer.hpp"
#include "support/crashing_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"
#include "support/sample_prune.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>

namespace dbbackup {
namespace {

constexpr std::uint32_t kOperationsMax = 5000;
constexpr std::uint32_t kPageBytes = 512;
using FirstFailure = CrashingStorage::FirstFailure;

/// Has snapshots that share packs, one that goes alone, what a dead writer left, and the list of an
/// earlier collection.
class PruneDies : public testing::TestWithParam<FirstFailure> {
protected:
    PruneDies() {
        make_repository(disk_);
        shop_.set_pages("pages", page_like(1, std::size_t{600} * kPageBytes), kPageBytes);
        for (std::uint64_t day = 0; day < 4; ++day) {
            shop_.set_page("pages", day, noise(day + 10, kPageBytes));
            const SnapshotId id =
                back_up(shop_, disk_, {}, {.segment_pages = 1}).snapshot.summary.id;
            contents_[id] = shop_.contents();
            taken_.push_back(id);
            if (day == 1) {
                PruneOptions first = sample_prune();
                first.snapshots = {taken_.front()};
                prune(disk_, first);
            }
        }
        const auto repository = open_repository(disk_);
        const FakeClock clock;
        SnapshotWriter dead(*repository, clock, "backup", SourceId(16, 'd'), {});
        const Bytes chunk = noise(99, 2000);
        ChunkForm form;
        form.id = repository->keys().chunk_id(chunk);
        form.plain_bytes = static_cast<std::uint32_t>(chunk.size());
        dead.add(std::move(form), chunk, {});
        dead.flush();
    }

    static std::set<SnapshotId> visible(MemoryStorage& disk) {
        std::set<SnapshotId> ids;
        for (const SnapshotSummary& snapshot : snapshots(disk)) {
            ids.insert(snapshot.id);
        }
        return ids;
    }

    void expect_restorable(MemoryStorage& disk) {
        for (const SnapshotId& id : visible(disk)) {
            EXPECT_EQ(restore(id, disk), contents_.at(id));
        }
    }

    MemoryStorage disk_;
    SampleDatabase shop_;
    std::map<SnapshotId, Contents> contents_;
    std::vector<SnapshotId> taken_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, PruneDies,
                         testing::Values(FirstFailure::not_done, FirstFailure::done),
                         [](const auto& kind) {
                             return kind.param == FirstFailure::done ? "AnswerLost" : "NotDone";
                         });

TEST_P(PruneDies, AtEveryOperation) {
    const std::set<SnapshotId> before = visible(disk_);
    const std::set<SnapshotId> after = {taken_.back()};
    for (std::uint32_t survived = 0; survived < kOperationsMax; ++survived) {
        SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
        const std::unique_ptr<MemoryStorage> disk = disk_.clone();
        CrashingStorage store(*disk, survived, {CrashingStorage::Counts::all, GetParam()});
        bool is_through = false;
        try {
            prune(store, sample_prune(keep_newest(1)));
            is_through = true;
        } catch (const StorageError&) {
            // The store died: the next round lives longer.
        }
        const std::set<SnapshotId> now = visible(*disk);
        EXPECT_TRUE(now == before || now == after) << now.size();
        expect_restorable(*disk);
        prune(*disk, sample_prune(keep_newest(1)));
        EXPECT_EQ(visible(*disk), after);
        expect_restorable(*disk);
        EXPECT_EQ(garbage(*disk), "");
        EXPECT_EQ(findings_text(verify(*disk, VerifyDepth::structure)), "");
        if (testing::Test::HasFailure()) {
            return;
        }
        if (is_through) {
            EXPECT_GT(survived, 30U);
            return;
        }
    }
    FAIL() << "the prune still dies after " << kOperationsMax << " operations";
}

/// The process lives on after an error, so its run looks alive: the next prune of another host does
/// not wait for it and does not count on it.
TEST_P(PruneDies, WhileItsRunStillLooksAlive) {
    const std::set<SnapshotId> after = {taken_.back()};
    bool is_through = false;
    for (std::uint32_t survived = 0; !is_through && survived < kOperationsMax; ++survived) {
        SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
        const std::unique_ptr<MemoryStorage> disk = disk_.clone();
        CrashingStorage store(*disk, survived, {CrashingStorage::Counts::all, GetParam()});
        try {
            prune(store, sample_prune(keep_newest(1)));
            is_through = true;
        } catch (const StorageError&) {
            // The store died: the next round lives longer.
        }
        PruneOptions other = sample_prune(keep_newest(1));
        other.is_dead = [](const KnownRun& run) { return !run.is_collection(); };
        prune(*disk, other);
        EXPECT_EQ(visible(*disk), after);
        expect_restorable(*disk);
        prune(*disk, sample_prune(keep_newest(1)));
        prune(*disk, sample_prune(keep_newest(1)));  // The list of the one before goes with this.
        EXPECT_EQ(garbage(*disk), "");
        expect_restorable(*disk);
        if (testing::Test::HasFailure()) {
            return;
        }
    }
    EXPECT_TRUE(is_through);
}

/// A backup goes on over whatever a dead prune left, and reuses nothing that still may go.
TEST_P(PruneDies, AndABackupFollows) {
    bool is_through = false;
    for (std::uint32_t survived = 0; !is_through && survived < kOperationsMax; ++survived) {
        SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
        const std::unique_ptr<MemoryStorage> disk = disk_.clone();
        CrashingStorage store(*disk, survived, {CrashingStorage::Counts::all, GetParam()});
        try {
            prune(store, sample_prune(keep_newest(1)));
            is_through = true;
        } catch (const StorageError&) {
            // The store died: the next round lives longer.
        }
        SampleDatabase shop = shop_;
        for (std::uint64_t day = 0; day < 4; ++day) {  // Back to what the first snapshots held.
            shop.set_page("pages", day, noise(day + 9, kPageBytes));
        }
        const SnapshotId id = back_up(shop, *disk, {}, {.segment_pages = 1}).snapshot.summary.id;
        contents_[id] = shop.contents();
        prune(*disk, sample_prune(keep_newest(1)));
        EXPECT_EQ(visible(*disk), std::set<SnapshotId>{id});
        expect_restorable(*disk);
        EXPECT_EQ(garbage(*disk), "");
        if (testing::Test::HasFailure()) {
            return;
        }
    }
    EXPECT_TRUE(is_through);
}

}  // namespace
}  // namespace dbbackup
