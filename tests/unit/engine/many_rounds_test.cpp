/// @file
/// Forty rounds of random changes. Goal: whatever mix of modes, plans and changes came before,
/// every snapshot restores exactly, deltas stay shallow, and the repository stays small.

#include "engine/backup.hpp"
#include "engine/segment_lists.hpp"
#include "repository/chunk_list.hpp"
#include "repository/chunk_reader.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 1024;
constexpr std::uint64_t kPages = 400;
constexpr unsigned kRounds = 40;

/// A database that somebody works on.
class BusyDatabase {
public:
    explicit BusyDatabase(std::uint64_t seed) : random_(seed) {
        database_.set_pages("main", page_like(seed, kPages * kPage), kPage);
        database_.set_opaque("schema", page_like(seed + 1, 3000));
        for (std::uint64_t key = 0; key < 300; ++key) {
            set_row(key);
        }
    }

    void change() {
        for (std::uint64_t left = random_.below(6); left > 0; --left) {
            change_page(random_.below(page_count()));
        }
        for (std::uint64_t left = random_.below(4); left > 0; --left) {
            set_row(random_.below(400));
        }
        switch (random_.below(8)) {
            case 0:  // Grows by pages, the first of them beyond a gap of zeros.
                database_.set_page("main", page_count() + random_.below(20), page());
                break;
            case 1: database_.truncate_pages("main", page_count() - random_.below(40)); break;
            case 2: database_.set_opaque("schema", page_like(random_.next(), 3000)); break;
            case 3:
                database_.set_opaque("temporary", noise(random_.next(), random_.below(2000)));
                break;
            case 4: database_.drop("temporary"); break;
            default: break;
        }
    }

    [[nodiscard]] const SampleDatabase& database() const { return database_; }
    Random& random() { return random_; }

private:
    [[nodiscard]] std::uint64_t page_count() const {
        return database_.streams().at("main").content.size() / kPage;
    }
    Bytes page() { return page_like(random_.next(), kPage); }
    /// Changes some bytes in place, as databases do; now and then the whole page.
    void change_page(std::uint64_t number) {
        const Bytes& content = database_.streams().at("main").content;
        const auto begin = content.begin() + static_cast<std::ptrdiff_t>(number * kPage);
        Bytes changed(begin, begin + kPage);
        if (random_.below(5) == 0) {
            changed = page();
        }
        const Bytes row = noise(random_.next(), 20);
        std::ranges::copy(
            row, changed.begin() + static_cast<std::ptrdiff_t>(random_.below(kPage - row.size())));
        database_.set_page("main", number, changed);
    }
    void set_row(std::uint64_t key) {
        database_.set_row("orders", key, fmt::format("{}\torder of {}\n", key, random_.next()));
    }

    Random random_;
    SampleDatabase database_;
};

unsigned deepest_chunk(Repository& repository, const SnapshotId& id) {
    const auto manifest = repository.manifest(id, {});
    ChunkReader reader(repository.storage(), repository.keys());
    unsigned depth = 0;
    for (const StreamContents& stream : manifest->streams) {
        SegmentLists lists(stream, reader);
        for (std::size_t list = 0; list < lists.count(); ++list) {
            for (const StoredSegment& segment : lists.list(list, {})) {
                for (const ChunkCopyPtr& chunk : segment.chunks) {
                    depth = std::max<unsigned>(depth, chunk->depth);
                }
            }
        }
    }
    return depth;
}

BackupMode any_mode(Random& random) {
    // As people do it: mostly incremental, now and then another one.
    const std::uint64_t dice = random.below(10);
    return dice == 0  ? BackupMode::full
           : dice < 3 ? BackupMode::differential
                      : BackupMode::incremental;
}

std::uint64_t stored_bytes(const MemoryStorage& disk) {
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : disk.contents()) {
        bytes += content.size();
    }
    return bytes;
}

struct History {
    std::map<SnapshotId, Contents> expected;
    std::uint64_t bytes_after_first = 0;
    std::uint64_t fulls = 0;
    bool has_deltas = false;
};

History run_rounds(MemoryStorage& disk, std::uint64_t seed,
                   const std::function<BackupMode(Random&)>& mode_of) {
    BusyDatabase busy(seed);
    Random& random = busy.random();
    History history;
    for (unsigned round = 0; round < kRounds; ++round) {
        BackupOptions options;
        options.mode = mode_of(random);
        options.jobs = 1 + static_cast<unsigned>(random.below(3));
        SampleBehaviour behaviour{.segment_pages = 64, .uses_patches = random.below(2) == 0};
        behaviour.record_begins_at = random.below(12) == 0 ? busy.database().version() : 0;
        const SnapshotSummary taken =
            back_up(busy.database(), disk, options, behaviour).snapshot.summary;
        EXPECT_EQ(taken.sequence, round + 1);
        history.expected[taken.id] = busy.database().contents();
        history.bytes_after_first = round == 0 ? stored_bytes(disk) : history.bytes_after_first;
        history.fulls += taken.mode == BackupMode::full ? 1 : 0;
        history.has_deltas = history.has_deltas || taken.chunks_delta > 0;
        busy.change();
    }
    return history;
}

void expect_all_restore(MemoryStorage& disk, const History& history) {
    EXPECT_EQ(snapshots(disk).size(), kRounds);
    const auto repository = open_repository(disk);
    for (const auto& [id, contents] : history.expected) {
        // Not EXPECT_EQ on the contents: a difference would print megabytes.
        EXPECT_TRUE(restore(id, disk) == contents) << id;
        EXPECT_LE(deepest_chunk(*repository, id), kDepthMax) << id;
    }
    const VerifyReport report = verify(disk, VerifyDepth::data);
    EXPECT_TRUE(report.findings.empty()) << findings_text(report);
    EXPECT_EQ(report.snapshots, kRounds);
}

TEST(ManyRounds, EverySnapshotRestoresWhateverTheModesWere) {
    for (const std::uint64_t seed : {1U, 2U}) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        MemoryStorage disk;
        make_repository(disk, seed == 1 ? Encryption::keyfile : Encryption::none);
        const History history = run_rounds(disk, seed, any_mode);
        EXPECT_TRUE(history.has_deltas);
        EXPECT_GE(history.fulls, 2U);
        expect_all_restore(disk, history);
    }
}

/// Only changes are stored: forty rounds cost less than a few fulls, and no delta goes deeper than
/// the tree of versions allows.
TEST(ManyRounds, IncrementalsAloneStaySmallAndShallow) {
    MemoryStorage disk;
    make_repository(disk);
    const History history = run_rounds(disk, 7, [](Random&) { return BackupMode::incremental; });
    EXPECT_EQ(history.fulls, 1U);
    expect_all_restore(disk, history);
    EXPECT_LT(stored_bytes(disk), 4 * history.bytes_after_first);
    unsigned deepest = 0;
    const auto repository = open_repository(disk);
    for (const auto& [id, contents] : history.expected) {
        deepest = std::max(deepest, deepest_chunk(*repository, id));
    }
    EXPECT_GE(deepest, 2U) << "the rounds were too few to say anything about depth";
}

/// Deleting every snapshot but one loses nothing of that one: it names all that it needs itself.
TEST(ManyRounds, EachSnapshotStandsWithoutTheManifestsOfTheOthers) {
    MemoryStorage disk;
    make_repository(disk);
    const History history = run_rounds(disk, 11, any_mode);
    for (const SnapshotSummary& kept : snapshots(disk)) {
        if (kept.sequence % 6 != 0) {
            continue;
        }
        const auto alone = disk.clone();
        for (const auto& [name, content] : disk.contents()) {
            if (name.starts_with("manifests/") && !name.ends_with(kept.id)) {
                alone->remove(ObjectName(name), {});
            }
        }
        EXPECT_TRUE(restore(kept.id, *alone) == history.expected.at(kept.id)) << kept.sequence;
    }
}

}  // namespace
}  // namespace dbbackup
