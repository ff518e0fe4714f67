/// @file
/// A store may die at any moment. Whichever operation it dies on, earlier snapshots must still
/// restore, no half-written snapshot may show, and the next run must succeed and reuse what was
/// stored.
///
/// Method: run the same work over a storage that fails for good after N operations, for N = 0, 1,
/// 2 ... until the work gets through; once where the failing operation is not carried out, and
/// once where only its answer is lost. Everything is in memory and seeded, so a failure repeats
/// exactly: no sleeping, no network, no disk.

#include "base/error.hpp"
#include "support/crashing_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace dbbackup {
namespace {

constexpr std::uint32_t kOperationsMax = 10'000;
constexpr std::uint32_t kPageBytes = 4096;

/// One stream of each kind, small enough for hundreds of rounds.
SampleDatabase monday() { return sample_shop(128, 20'000, 200); }

SampleDatabase tuesday() {
    SampleDatabase shop = monday();
    for (std::uint64_t page = 0; page < 128; page += 40) {
        shop.set_page("pages", page, page_like(100 + page, kPageBytes));
    }
    shop.set_page("pages", 150, noise(3, kPageBytes));
    shop.set_row("orders", 77, "changed\n");
    return shop;
}

std::uint64_t stored_bytes(const MemoryStorage& disk) {
    std::uint64_t sum = 0;
    for (const auto& [name, content] : disk.contents()) {
        sum += content.size();
    }
    return sum;
}

std::size_t index_count(const MemoryStorage& disk) {
    std::size_t count = 0;
    for (const auto& [name, content] : disk.contents()) {
        count += name.starts_with("indexes/") ? 1U : 0U;
    }
    return count;
}

using FirstFailure = CrashingStorage::FirstFailure;

class StoreDies : public testing::TestWithParam<std::tuple<Encryption, FirstFailure>> {
protected:
    [[nodiscard]] static Encryption encryption() { return std::get<Encryption>(GetParam()); }

    static CrashingStorage dying(MemoryStorage& disk, std::uint32_t survived) {
        return {disk, survived, {CrashingStorage::Counts::all, std::get<FirstFailure>(GetParam())}};
    }

    static void expect_whole(MemoryStorage& disk) {
        const VerifyReport report = verify(disk, VerifyDepth::data);
        const bool is_whole = std::all_of(report.findings.begin(), report.findings.end(),
                                          [](const Finding& found) { return found.is_harmless; });
        EXPECT_TRUE(is_whole) << findings_text(report);
    }

    /// @return Whether the backup got through in spite of the store's death.
    static bool back_up_and_die(const SampleDatabase& database, MemoryStorage& disk,
                                std::uint32_t survived, const BackupOptions& options) {
        CrashingStorage store = dying(disk, survived);
        try {
            back_up(database, store, options);
            return true;
        } catch (const StorageError&) {
            return false;
        }
    }
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, StoreDies,
    testing::Combine(testing::Values(Encryption::none, Encryption::keyfile),
                     testing::Values(FirstFailure::not_done, FirstFailure::done)),
    [](const auto& kind) {
        return std::string(std::get<0>(kind.param) == Encryption::none ? "Unencrypted"
                                                                       : "Encrypted") +
               (std::get<1>(kind.param) == FirstFailure::done ? "AnswerLost" : "NotDone");
    });

/// One round per number of survived operations. @return Whether the backup got through.
bool crash_once(MemoryStorage& disk, const Contents& before, const SampleDatabase& database,
                const std::function<bool()>& backup) {
    const std::vector<SnapshotSummary> known = snapshots(disk);
    const std::size_t indexes_before = index_count(disk);
    const std::uint64_t bytes_before = stored_bytes(disk);
    const bool finished = backup();
    const std::vector<SnapshotSummary> visible = snapshots(disk);
    EXPECT_LE(visible.size(), known.size() + 1);
    EXPECT_GE(visible.size(), known.size() + (finished ? 1U : 0U));
    for (const SnapshotSummary& each : visible) {
        const bool is_earlier =
            std::any_of(known.begin(), known.end(),
                        [&](const SnapshotSummary& other) { return other.id == each.id; });
        EXPECT_EQ(restore(each.id, disk), is_earlier ? before : database.contents());
    }
    const std::uint64_t left_behind = stored_bytes(disk) - bytes_before;
    const bool is_indexed = index_count(disk) > indexes_before;
    const BackupReport next = back_up(database, disk);
    EXPECT_EQ(restore(next.snapshot.summary.id, disk), database.contents());
    if (is_indexed) {  // A pack that no index names yet is not found again.
        EXPECT_LT(next.snapshot.summary.bytes_added, left_behind) << "nothing was reused";
    }
    return finished;
}

TEST_P(StoreDies, DuringTheFirstBackup) {
    for (std::uint32_t survived = 0; survived < kOperationsMax; ++survived) {
        SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
        MemoryStorage disk;
        make_repository(disk, encryption());
        const bool finished = crash_once(
            disk, {}, monday(), [&] { return back_up_and_die(monday(), disk, survived, {}); });
        expect_whole(disk);
        if (finished) {
            EXPECT_GT(survived, 5U) << "the backup wrote nothing, so nothing was tested";
            return;
        }
    }
    FAIL() << "the backup still dies after " << kOperationsMax << " operations";
}

TEST_P(StoreDies, DuringAnIncrementalAndADifferential) {
    MemoryStorage earlier;
    make_repository(earlier, encryption());
    back_up(monday(), earlier);
    for (const BackupMode mode : {BackupMode::incremental, BackupMode::differential}) {
        BackupOptions options;
        options.mode = mode;
        bool finished = false;
        for (std::uint32_t survived = 0; !finished && survived < kOperationsMax; ++survived) {
            SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
            const std::unique_ptr<MemoryStorage> disk = earlier.clone();
            finished = crash_once(*disk, monday().contents(), tuesday(), [&] {
                return back_up_and_die(tuesday(), *disk, survived, options);
            });
            expect_whole(*disk);
        }
        EXPECT_TRUE(finished);
    }
}

TEST_P(StoreDies, DuringInit) {
    bool finished = false;
    for (std::uint32_t survived = 0; !finished && survived < kOperationsMax; ++survived) {
        SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
        MemoryStorage disk;
        {
            CrashingStorage store = dying(disk, survived);
            try {
                make_repository(store, encryption());
                finished = true;
            } catch (const StorageError&) {
                // The store died: the next round lives longer.
            }
        }
        if (!Repository::exists(disk, {})) {
            EXPECT_FALSE(finished);
            make_repository(disk, encryption());
        }
        EXPECT_EQ(restore(back_up(monday(), disk).snapshot.summary.id, disk), monday().contents());
        expect_whole(disk);
    }
    EXPECT_TRUE(finished);
}

TEST_P(StoreDies, DuringRestoreAndVerify) {
    MemoryStorage disk;
    make_repository(disk, encryption());
    const SnapshotId id = back_up(monday(), disk).snapshot.summary.id;
    for (const bool is_restore : {true, false}) {
        bool finished = false;
        for (std::uint32_t survived = 0; !finished && survived < kOperationsMax; ++survived) {
            CrashingStorage store = dying(disk, survived);
            try {
                if (is_restore) {
                    EXPECT_EQ(restore(id, store), monday().contents());
                } else {
                    const VerifyReport report = verify(store, VerifyDepth::data);
                    EXPECT_TRUE(report.findings.empty()) << findings_text(report);
                }
                finished = true;
            } catch (const StorageError&) {
                // The store died: the next round lives longer.
            }
        }
        EXPECT_TRUE(finished);
    }
}

}  // namespace
}  // namespace dbbackup
