/// @file
/// A repair may die at any moment, and other repairs, backups and prunes may go on beside it: what
/// restored before restores after, and the next repair and backup mend all that can be mended.
///
/// Method: as of the other crash tests: the store fails after N operations, for N = 0, 1, 2 ...
/// until the repair gets through.

#include "base/error.hpp"
#include "crash/damaged_repository.hpp"
#include "support/crashing_storage.hpp"

#include <stop_token>
#include <thread>

namespace dbbackup {
namespace {

constexpr std::uint32_t kOperationsMax = 5000;
constexpr std::uint32_t kOperationsMin = 20;
using FirstFailure = CrashingStorage::FirstFailure;

/// A chunk that both snapshots need is damaged; an index and a record of damage are, too.
class RepairDies : public testing::TestWithParam<FirstFailure> {
protected:
    RepairDies() : all_(Encryption::none) {
        const auto manifest = open_repository(all_.disk)->manifest(all_.taken.front(), {});
        const ChunkCopyPtr chunk =
            manifest->streams.at(0).lists.at(0).segments.back().chunks.back();
        all_.disk.damage(pack_object_name(chunk->pack->name),
                         [&](Bytes& content) { content.at(chunk->offset_bytes) ^= 1U; });
        for (const char* const folder : {"indexes", "damaged"}) {
            all_.disk.damage(ObjectName(names_below(all_.disk, folder).at(0)),
                             [](Bytes& content) { content.back() ^= 1U; });
        }
    }

    /// The repository can be mended, and then everything restores.
    void expect_mendable(MemoryStorage& disk) {
        EXPECT_EQ(restored_rightly(all_, disk, "after the crash"), 0U);
        repair(disk);
        const SnapshotId next = all_.back_up(disk);
        EXPECT_EQ(restore(next, disk), all_.shop.contents());
        prune(disk, sample_prune());
        EXPECT_EQ(restored_rightly(all_, disk, "pruned"), all_.contents.size());
        EXPECT_EQ(harm_text(verify(disk, VerifyDepth::data)), "");
    }

    RepositoryOfAllKinds all_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, RepairDies,
                         testing::Values(FirstFailure::not_done, FirstFailure::done),
                         [](const auto& kind) {
                             return kind.param == FirstFailure::done ? "AnswerLost" : "NotDone";
                         });

TEST_P(RepairDies, AtEveryOperation) {
    for (std::uint32_t survived = 0; survived < kOperationsMax; ++survived) {
        SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
        const std::unique_ptr<MemoryStorage> disk = all_.disk.clone();
        CrashingStorage store(*disk, survived, {CrashingStorage::Counts::all, GetParam()});
        bool is_through = false;
        try {
            repair(store);
            is_through = true;
        } catch (const StorageError&) {
            // The store died: the next round lives longer.
        }
        expect_mendable(*disk);
        if (testing::Test::HasFailure()) {
            return;
        }
        if (is_through) {
            EXPECT_GT(survived, kOperationsMin);
            return;
        }
    }
    FAIL() << "the repair still dies after " << kOperationsMax << " operations";
}

TEST(RepairBesideOthers, MendsAllTheSame) {
    RepositoryOfAllKinds all(Encryption::none);
    const auto manifest = open_repository(all.disk)->manifest(all.taken.front(), {});
    const ChunkCopyPtr chunk = manifest->streams.at(0).lists.at(0).segments.back().chunks.back();
    all.disk.damage(pack_object_name(chunk->pack->name),
                    [&](Bytes& content) { content.at(chunk->offset_bytes) ^= 1U; });
    PruneOptions patient = sample_prune();
    patient.is_dead = [](const KnownRun&) { return false; };
    {
        std::vector<std::jthread> threads;
        for (int number = 0; number < 2; ++number) {
            threads.emplace_back([handle = all.disk.handle()] {
                for (int round = 0; round < 5; ++round) {
                    repair(*handle);
                }
            });
        }
        threads.emplace_back([handle = all.disk.handle(), &all] {
            for (int round = 0; round < 5; ++round) {
                all.back_up(*handle);
            }
        });
        threads.emplace_back([handle = all.disk.handle(), &patient] {
            for (int round = 0; round < 5; ++round) {
                prune(*handle, patient);
            }
        });
    }
    repair(all.disk);
    all.back_up(all.disk);
    prune(all.disk, sample_prune());
    EXPECT_EQ(restored_rightly(all, all.disk, "in the end"), all.contents.size());
    EXPECT_EQ(harm_text(verify(all.disk, VerifyDepth::data)), "");
}

}  // namespace
}  // namespace dbbackup
