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
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace dbbackup {
namespace {

constexpr std::uint32_t kOperationsMax = 5000;
/// A prune that does something takes at least so many.
constexpr std::uint32_t kOperationsMin = 30;
constexpr std::uint32_t kPageBytes = 512;
constexpr std::size_t kPages = 600;
using FirstFailure = CrashingStorage::FirstFailure;

/// Has snapshots that share packs, one that goes alone, what a dead writer left, and the list of an
/// earlier collection.
class PruneDies : public testing::TestWithParam<FirstFailure> {
protected:
    PruneDies() {
        make_repository(disk_);
        shop_.set_pages("pages", page_like(1, std::size_t{kPages} * kPageBytes), kPageBytes);
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

    /// Of pages that the first snapshots held.
    SnapshotId back_up_as_at_first(MemoryStorage& disk) {
        SampleDatabase shop = shop_;
        for (std::uint64_t day = 0; day < 4; ++day) {
            shop.set_page("pages", day, noise(day + 9, kPageBytes));
        }
        const SnapshotId id = back_up(shop, disk, {}, {.segment_pages = 1}).snapshot.summary.id;
        contents_[id] = shop.contents();
        return id;
    }

    /// Prunes a copy of the repository on a store that dies after N operations, for N = 0, 1, 2 ...
    /// until it gets through, and lets `then` look at what is left each time.
    void die_everywhere(const PruneOptions& options,
                        const std::function<void(MemoryStorage& disk)>& then) {
        for (std::uint32_t survived = 0; survived < kOperationsMax; ++survived) {
            SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
            const std::unique_ptr<MemoryStorage> disk = disk_.clone();
            CrashingStorage store(*disk, survived, {CrashingStorage::Counts::all, GetParam()});
            bool is_through = false;
            try {
                prune(store, options);
                is_through = true;
            } catch (const StorageError&) {
                // The store died: the next round lives longer.
            }
            then(*disk);
            if (testing::Test::HasFailure()) {
                return;
            }
            if (is_through) {
                EXPECT_GT(survived, kOperationsMin);
                return;
            }
        }
        FAIL() << "the prune still dies after " << kOperationsMax << " operations";
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
    die_everywhere(sample_prune(keep_newest(1)), [&](MemoryStorage& disk) {
        const std::set<SnapshotId> now = visible(disk);
        EXPECT_TRUE(now == before || now == after) << now.size();
        expect_restorable(disk);
        prune(disk, sample_prune(keep_newest(1)));
        EXPECT_EQ(visible(disk), after);
        expect_restorable(disk);
        EXPECT_EQ(garbage(disk), "");
        EXPECT_EQ(findings_text(verify(disk, VerifyDepth::structure)), "");
    });
}

/// The same with everything that a prune can do to what stays: it is stored anew, whole. In every
/// other round a backup comes before the next prune, and may reuse what was stored or emptied.
TEST_P(PruneDies, WhileItStoresAnewWhatStays) {
    const std::set<SnapshotId> before = visible(disk_);
    PruneOptions options = compacting_prune(keep_newest(1));
    options.compaction.unused_part_max = 0;
    options.compaction.rebases = true;
    bool backs_up = false;
    std::set<std::size_t> sizes;  // In tenths of the database.
    die_everywhere(options, [&](MemoryStorage& disk) {
        SnapshotId last = taken_.back();
        const std::set<SnapshotId> now = visible(disk);
        EXPECT_TRUE(now == before || now == std::set{last}) << now.size();
        backs_up = !backs_up;
        if (backs_up) {
            last = back_up_as_at_first(disk);
        } else {
            expect_restorable(disk);
        }
        prune(disk, options);
        EXPECT_EQ(visible(disk), std::set{last});
        expect_restorable(disk);
        EXPECT_EQ(garbage(disk), "");
        EXPECT_EQ(findings_text(verify(disk, VerifyDepth::structure)), "");
        std::size_t bytes = 0;
        for (const std::string& name : names_below(disk, "packs")) {
            bytes += disk.contents().at(name).size();
        }
        sizes.insert(bytes * 10 / (kPages * kPageBytes));
    });
    EXPECT_LE(*sizes.rbegin() - *sizes.begin(), 1U) << "whatever came before leaves no more behind";
}

/// The process lives on after an error, so its run looks alive: the next prune of another host does
/// not wait for it and does not count on it.
TEST_P(PruneDies, WhileItsRunStillLooksAlive) {
    const std::set<SnapshotId> after = {taken_.back()};
    die_everywhere(sample_prune(keep_newest(1)), [&](MemoryStorage& disk) {
        PruneOptions other = sample_prune(keep_newest(1));
        other.is_dead = [](const KnownRun& run) { return !run.is_collection(); };
        prune(disk, other);
        EXPECT_EQ(visible(disk), after);
        expect_restorable(disk);
        prune(disk, sample_prune(keep_newest(1)));
        prune(disk, sample_prune(keep_newest(1)));  // The list of the one before goes with this.
        EXPECT_EQ(garbage(disk), "");
        expect_restorable(disk);
    });
}

/// A backup goes on over whatever a dead prune left, and reuses nothing that still may go.
TEST_P(PruneDies, AndABackupFollows) {
    die_everywhere(sample_prune(keep_newest(1)), [&](MemoryStorage& disk) {
        const SnapshotId id = back_up_as_at_first(disk);
        prune(disk, sample_prune(keep_newest(1)));
        EXPECT_EQ(visible(disk), std::set<SnapshotId>{id});
        expect_restorable(disk);
        EXPECT_EQ(garbage(disk), "");
    });
}

}  // namespace
}  // namespace dbbackup
