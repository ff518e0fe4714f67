/// @file
/// Backups that end early, in every way: whatever happens, there is either a whole snapshot or
/// none, what was stored is found again, and the next backup works.

#include "base/error.hpp"
#include "engine/backup.hpp"
#include "support/crashing_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;
constexpr std::uint64_t kChunkPages = 512;

/// Chunks of 2 MiB that differ and do not compress, so that eight of them fill a pack.
SampleDatabase large_database(std::uint64_t chunks) {
    const Bytes piece = noise(1, kChunkPages * kPage);
    Bytes content;
    content.reserve(chunks * piece.size());
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
        content.insert(content.end(), piece.begin(), piece.end());
        content[content.size() - piece.size()] = static_cast<std::uint8_t>(chunk);
    }
    SampleDatabase database;
    database.set_pages("main", std::move(content));
    return database;
}

SampleDatabase small_database() {
    SampleDatabase database;
    database.set_pages("main", page_like(1, 40 * kPage));
    database.set_opaque("script", page_like(2, 5000));
    for (std::uint64_t key = 0; key < 100; ++key) {
        database.set_row("orders", key, fmt::format("order {}\n", key));
    }
    return database;
}

void expect_whole(MemoryStorage& disk, const SnapshotId& id, const Contents& expected) {
    EXPECT_EQ(restore(id, disk), expected);
    const VerifyReport report = verify(disk, VerifyDepth::data);
    EXPECT_TRUE(report.findings.empty()) << findings_text(report);
}

std::size_t count_below(const MemoryStorage& disk, std::string_view folder) {
    std::size_t count = 0;
    for (const auto& [name, content] : disk.contents()) {
        count += name.starts_with(folder) ? 1U : 0U;
    }
    return count;
}

/// Method: the tenth segment is only read once the first pack stands, and then the run ends.
TEST(BackupInterrupted, TheNextRunReusesWhatAStoppedRunStored) {
    MemoryStorage disk;
    make_repository(disk);
    const SampleDatabase database = large_database(10);
    std::promise<void> stored;
    std::atomic<bool> is_told = false;
    Faults faults;
    faults.after = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name.starts_with("packs/") &&
            !is_told.exchange(true)) {
            stored.set_value();
        }
    };
    FaultyStorage watched(disk, faults);
    std::stop_source stopper;
    SampleBehaviour behaviour{.segment_pages = kChunkPages};
    behaviour.before_read = [&](const StreamPlan&, const SegmentPlan& segment) {
        if (segment.range.first_page == 9 * kChunkPages) {
            stored.get_future().wait();
            stopper.request_stop();
        }
    };
    EXPECT_THROW(back_up(database, watched, {}, behaviour, stopper.get_token()), Cancelled);
    EXPECT_TRUE(snapshots(disk).empty());
    EXPECT_EQ(count_below(disk, "manifests/"), 0U);
    EXPECT_EQ(count_below(disk, "packs/"), 1U);
    EXPECT_EQ(count_below(disk, "indexes/"), 1U) << "or nobody would find what was stored";

    const BackupReport next = back_up(database, disk, {}, {.segment_pages = kChunkPages});
    EXPECT_EQ(next.snapshot.summary.chunks_reused, 7U) << "a full pack";
    EXPECT_EQ(next.snapshot.summary.chunks_new, 3U);
    EXPECT_EQ(next.snapshot.summary.sequence, 1U);
    expect_whole(disk, next.snapshot.summary.id, database.contents());
}

TEST(BackupInterrupted, AStopThatCameBeforeLeavesNothingBehind) {
    MemoryStorage disk;
    make_repository(disk);
    const auto before = disk.contents();
    std::stop_source stopper;
    stopper.request_stop();
    EXPECT_THROW(back_up(small_database(), disk, {}, {}, stopper.get_token()), Cancelled);
    EXPECT_EQ(disk.contents(), before);
}

TEST(BackupInterrupted, AStopAtAnyReadIsObeyed) {
    MemoryStorage disk;
    make_repository(disk);
    const SampleDatabase database = small_database();
    for (unsigned stops_at = 1; stops_at <= 3; ++stops_at) {
        std::stop_source stopper;
        unsigned reads = 0;
        SampleBehaviour behaviour;
        behaviour.before_read = [&](const StreamPlan&, const SegmentPlan&) {
            if (++reads == stops_at) {
                stopper.request_stop();
            }
        };
        EXPECT_THROW(back_up(database, disk, {}, behaviour, stopper.get_token()), Cancelled);
        EXPECT_EQ(reads, stops_at);
        EXPECT_TRUE(snapshots(disk).empty());
    }
    expect_whole(disk, back_up(database, disk).snapshot.summary.id, database.contents());
}

TEST(BackupInterrupted, AStopBeforeTheSessionEndsLeavesNoSnapshot) {
    MemoryStorage disk;
    make_repository(disk);
    std::stop_source stopper;
    SampleBehaviour behaviour;
    behaviour.before_finish = [&] { stopper.request_stop(); };
    EXPECT_THROW(back_up(small_database(), disk, {}, behaviour, stopper.get_token()), Cancelled);
    EXPECT_TRUE(snapshots(disk).empty());
}

TEST(BackupInterrupted, AnErrorOfTheConnectorIsToldAsItIsAndLeavesNoSnapshot) {
    MemoryStorage disk;
    make_repository(disk);
    const SampleDatabase database = small_database();
    // Streams are read by name: the pages of main, the rows of orders in two segments, the script.
    for (unsigned fails_at = 1; fails_at <= 4; ++fails_at) {
        unsigned reads = 0;
        SampleBehaviour behaviour;
        behaviour.before_read = [&](const StreamPlan& stream, const SegmentPlan&) {
            if (++reads == fails_at) {
                throw SourceError("the table '" + stream.name + "' was dropped");
            }
        };
        try {
            back_up(database, disk, {}, behaviour);
            FAIL() << fails_at;
        } catch (const SourceError& error) {
            const char* stream = fails_at == 1 ? "main" : fails_at == 4 ? "script" : "orders";
            EXPECT_EQ(std::string(error.what()), fmt::format("the table '{}' was dropped", stream));
        }
        EXPECT_TRUE(snapshots(disk).empty());
    }
    expect_whole(disk, back_up(database, disk).snapshot.summary.id, database.contents());
}

TEST(BackupInterrupted, AViewThatDidNotHoldMakesNoSnapshot) {
    MemoryStorage disk;
    make_repository(disk);
    SampleDatabase database = small_database();
    const SnapshotSummary first = back_up(database, disk).snapshot.summary;
    database.set_page("main", 3, page_like(9, kPage));
    SampleBehaviour behaviour;
    behaviour.before_finish = [] {
        throw SourceError("the database was changed while it was read");
    };
    EXPECT_THROW(back_up(database, disk, {}, behaviour), SourceError);
    ASSERT_EQ(snapshots(disk).size(), 1U);
    EXPECT_EQ(snapshots(disk).at(0).id, first.id);
    // The failed run is no parent and takes no number.
    const SnapshotSummary second = back_up(database, disk).snapshot.summary;
    EXPECT_EQ(second.parent, first.id);
    EXPECT_EQ(second.sequence, 2U);
    expect_whole(disk, second.id, database.contents());
}

struct BrokenPromise {
    const char* message;
    std::function<void(const SegmentPlan&, SegmentSink&)> read;
};

/// A connector that is wrong about its own segments is a bug: no snapshot may hide it.
TEST(BackupInterrupted, AConnectorThatBreaksItsPromisesIsFoundOut) {
    const Bytes three_pages = page_like(1, 3 * kPage);
    const std::vector<BrokenPromise> promises = {
        {"the connector gave 0 pages where it planned 8", [](auto&, auto&) {}},
        {"the connector gave 3 pages where it planned 8",
         [&](auto&, SegmentSink& sink) { sink.pages(0, three_pages); }},
        {"the connector gave 9 pages where it planned 8",
         [&](auto&, SegmentSink& sink) {
             for (const std::uint64_t first : {0U, 3U, 6U}) {
                 sink.pages(first, three_pages);
             }
         }},
        {"the connector gave pages out of order",
         [&](auto&, SegmentSink& sink) { sink.pages(1, three_pages); }},
        {"the connector gave pages out of order",
         [&](auto&, SegmentSink& sink) {
             sink.pages(0, three_pages);
             sink.pages(0, three_pages);
         }},
        {"the connector gave a part of a page",
         [&](auto&, SegmentSink& sink) { sink.pages(0, BytesView(three_pages).first(kPage + 1)); }},
        {"the connector gave bytes of another kind than it planned",
         [&](auto&, SegmentSink& sink) { sink.opaque(three_pages); }},
        {"the connector gave bytes of another kind than it planned",
         [&](auto&, SegmentSink& sink) {
             const std::uint32_t end = 3 * kPage;
             sink.rows(three_pages, std::span(&end, 1));
         }},
    };
    SampleDatabase database;
    database.set_pages("main", page_like(1, 8 * kPage));
    MemoryStorage disk;
    make_repository(disk);
    for (const BrokenPromise& promise : promises) {
        SampleBehaviour behaviour;
        behaviour.instead_of_read = promise.read;
        try {
            back_up(database, disk, {}, behaviour);
            ADD_FAILURE() << "accepted: " << promise.message;
        } catch (const Error& error) {
            EXPECT_STREQ(error.what(), promise.message);
            EXPECT_EQ(error.exit_code(), ExitCode::failure) << "a bug, so: please report it";
        }
        EXPECT_TRUE(snapshots(disk).empty());
    }
    expect_whole(disk, back_up(database, disk).snapshot.summary.id, database.contents());
}

/// Method: the storage dies after 0, 1, 2 ... writes until the backup gets through, with the first
/// lost write done or not done; each time another process backs up to what is left.
TEST(BackupInterrupted, AStorageThatDiesAnywhereLeavesAWholeSnapshotOrNone) {
    const SampleDatabase database = small_database();
    for (const auto first_failure :
         {CrashingStorage::FirstFailure::not_done, CrashingStorage::FirstFailure::done}) {
        bool is_through = false;
        for (std::uint32_t survived = 0; !is_through; ++survived) {
            ASSERT_LT(survived, 20U);
            MemoryStorage disk;
            make_repository(disk);
            CrashingStorage dying(disk, survived, {CrashingStorage::Counts::writes, first_failure});
            try {
                back_up(database, dying);
                is_through = true;
            } catch (const StorageError&) {
                EXPECT_TRUE(dying.is_dead());
            }
            const std::vector<SnapshotSummary> left = snapshots(disk);
            ASSERT_LE(left.size(), 1U);
            if (!left.empty()) {
                expect_whole(disk, left.at(0).id, database.contents());
            }
            const SnapshotSummary next = back_up(database, disk).snapshot.summary;
            EXPECT_EQ(next.sequence, left.size() + 1);
            expect_whole(disk, next.id, database.contents());
        }
    }
}

}  // namespace
}  // namespace dbbackup
