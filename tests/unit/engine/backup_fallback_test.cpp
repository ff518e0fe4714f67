/// @file
/// What a backup does when the parent snapshot or the change record cannot be used: the user's data
/// comes first, so it reads more, says so, and the new snapshot is whole.

#include "base/error.hpp"
#include "engine/backup.hpp"
#include "repository/collector_records.hpp"
#include "repository/manifest.hpp"
#include "repository/run.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;
constexpr std::uint32_t kSmallPage = 512;
/// So many segments that their list is stored apart, in a pack of its own.
constexpr std::uint64_t kManyPages = 1000;

void flip(Bytes& content, std::size_t at) { content.at(at) ^= 1U; }

class BackupFallbackTest : public testing::Test {
protected:
    BackupFallbackTest() { make_repository(disk_); }

    SnapshotDetails back_up_source(BackupMode mode = BackupMode::incremental,
                                   SampleBehaviour behaviour = {}) {
        BackupOptions options;
        options.mode = mode;
        return back_up(source_, disk_, options, std::move(behaviour)).snapshot;
    }
    [[nodiscard]] std::unique_ptr<Manifest> manifest(const SnapshotId& id) {
        return open_repository(disk_)->manifest(id, {});
    }
    void damage_chunk(const ChunkCopy& copy) {
        disk_.damage(pack_object_name(copy.pack->name),
                     [&](Bytes& content) { flip(content, copy.offset_bytes + 5); });
    }
    void expect_restores(const SnapshotDetails& snapshot) {
        EXPECT_EQ(restore(snapshot.summary.id, disk_), source_.contents());
    }

    MemoryStorage disk_;
    SampleDatabase source_;
};

TEST_F(BackupFallbackTest, AMissingListOfPagesCostsReadingThem) {
    source_.set_pages("main", page_like(1, kManyPages * kSmallPage), kSmallPage);
    for (const bool uses_patches : {false, true}) {
        const SampleBehaviour behaviour{.segment_pages = 1, .uses_patches = uses_patches};
        const SnapshotDetails parent = back_up_source(BackupMode::full, behaviour);
        const ChunkCopyPtr list = manifest(parent.summary.id)->streams.at(0).lists.at(0).chunk;
        ASSERT_TRUE(list);
        disk_.remove(pack_object_name(list->pack->name), {});
        source_.set_page("main", 7, page_like(2 + (uses_patches ? 1 : 0), kSmallPage));
        const SnapshotDetails child = back_up_source(BackupMode::incremental, behaviour);
        EXPECT_EQ(child.summary.parent, parent.summary.id);
        EXPECT_EQ(child.summary.bytes_read, kManyPages * kSmallPage);
        EXPECT_EQ(child.summary.chunks_new, 1U) << "what is stored is found by its content";
        EXPECT_EQ(child.summary.chunks_reused, kManyPages - 1);
        expect_restores(child);
    }
}

TEST_F(BackupFallbackTest, ADamagedListOfRowsMakesItAFull) {
    for (std::uint64_t key = 0; key < kManyPages; ++key) {
        source_.set_row("orders", key, fmt::format("order number {}\n", key));
    }
    const SampleBehaviour behaviour{.segment_rows = 1};
    const SnapshotDetails parent = back_up_source(BackupMode::full, behaviour);
    const ChunkCopyPtr list = manifest(parent.summary.id)->streams.at(0).lists.at(0).chunk;
    ASSERT_TRUE(list);
    damage_chunk(*list);
    source_.set_row("orders", 3, "changed\n");
    const SnapshotDetails child = back_up_source(BackupMode::incremental, behaviour);
    EXPECT_EQ(child.summary.mode, BackupMode::full);
    EXPECT_EQ(child.summary.parent, std::nullopt);
    EXPECT_EQ(child.reason, "the parent snapshot " + parent.summary.id + " is damaged");
    EXPECT_EQ(child.summary.chunks_new, 1U);
    expect_restores(child);
}

TEST_F(BackupFallbackTest, ADamagedBaseOfAPatchCostsReadingItsSegment) {
    source_.set_pages("main", page_like(1, 256 * kPage));
    const SampleBehaviour patching{.uses_patches = true};
    const SnapshotDetails parent = back_up_source(BackupMode::full, patching);
    damage_chunk(*manifest(parent.summary.id)->streams.at(0).lists.at(0).segments.at(1).chunks[0]);
    source_.set_page("main", 3, page_like(2, kPage));   // A patch on what is whole.
    source_.set_page("main", 70, page_like(3, kPage));  // And one on the damaged segment.
    const SnapshotDetails child = back_up_source(BackupMode::incremental, patching);
    EXPECT_EQ(child.summary.chunks_delta, 0U);
    EXPECT_EQ(child.summary.chunks_new, 4U) << "nothing refers to the damaged pack any more";
    EXPECT_EQ(child.summary.chunks_reused, 0U);
    EXPECT_EQ(child.summary.capture, Capture::reread);
    EXPECT_FALSE(child.warnings.empty());
    EXPECT_EQ(child.streams.at(0).fingerprint,
              open_repository(disk_)->keys().fingerprinter().of_pages(source_.contents().at("main"),
                                                                      kPage, 0));
    expect_restores(child);
}

/// The segment has two chunks. The first one is patched and pushed before the second one turns out
/// to be damaged: it must not be stored twice in the segment.
TEST_F(BackupFallbackTest, ADamagedSecondChunkTakesBackThePatchOfTheFirst) {
    source_.set_pages("main", page_like(1, 1024 * kPage));
    const SampleBehaviour patching{.segment_pages = 1024, .uses_patches = true};
    const SnapshotDetails parent = back_up_source(BackupMode::full, patching);
    const auto stored = manifest(parent.summary.id);
    const std::vector<ChunkCopyPtr>& chunks =
        stored->streams.at(0).lists.at(0).segments.at(0).chunks;
    ASSERT_EQ(chunks.size(), 2U);
    damage_chunk(*chunks[1]);
    source_.set_page("main", 0, page_like(2, kPage));
    source_.set_page("main", 1023, page_like(3, kPage));
    const SnapshotDetails child = back_up_source(BackupMode::incremental, patching);
    EXPECT_EQ(manifest(child.summary.id)->streams.at(0).lists.at(0).segments.at(0).chunks.size(),
              2U);
    EXPECT_EQ(child.streams.at(0).size_bytes, 1024U * kPage);
    expect_restores(child);
}

TEST_F(BackupFallbackTest, ADamagedDeltaBaseCostsOnlyTheDelta) {
    source_.set_pages("main", page_like(1, 128 * kPage));
    const SnapshotDetails parent = back_up_source(BackupMode::full);
    damage_chunk(*manifest(parent.summary.id)->streams.at(0).lists.at(0).segments.at(0).chunks[0]);
    source_.set_page("main", 3, page_like(2, kPage));
    const SnapshotDetails child = back_up_source();
    EXPECT_EQ(child.summary.chunks_delta, 0U);
    EXPECT_EQ(child.summary.chunks_new, 2U) << "what else lies in that pack is stored again";
    expect_restores(child);
}

TEST_F(BackupFallbackTest, ADamagedParentMakesItAFullThatSaysWhy) {
    source_.set_pages("main", page_like(1, 128 * kPage));
    for (const BackupMode mode : {BackupMode::incremental, BackupMode::differential}) {
        const SnapshotSummary parent = back_up_source(BackupMode::full).summary;
        disk_.damage(manifest_object_name(parent.source_id, parent.id),
                     [](Bytes& content) { flip(content, content.size() - 1); });
        const SnapshotDetails child = back_up_source(mode);
        EXPECT_EQ(child.summary.mode, BackupMode::full);
        EXPECT_EQ(child.summary.requested_mode, mode);
        EXPECT_EQ(child.summary.parent, std::nullopt);
        EXPECT_EQ(child.summary.sequence, parent.sequence + 1);
        EXPECT_EQ(child.summary.capture, Capture::full);
        EXPECT_EQ(child.reason, "the parent snapshot " + parent.id + " is damaged");
        EXPECT_EQ(child.predecessor, parent.id);
        EXPECT_EQ(child.predecessor_digest, "") << "nobody knows what it should be";
        expect_restores(child);
    }
}

/// A differential's predecessor is not its parent: damage of the one leaves the other useful.
TEST_F(BackupFallbackTest, ADamagedPredecessorLeavesTheParentUseful) {
    source_.set_pages("main", page_like(1, 128 * kPage));
    const SnapshotSummary full = back_up_source(BackupMode::full).summary;
    const SnapshotSummary newest = back_up_source().summary;
    disk_.damage(manifest_object_name(newest.source_id, newest.id),
                 [](Bytes& content) { flip(content, content.size() - 1); });
    const SnapshotDetails child = back_up_source(BackupMode::differential);
    EXPECT_EQ(child.summary.mode, BackupMode::differential);
    EXPECT_EQ(child.summary.parent, full.id);
    EXPECT_EQ(child.summary.sequence, 3U);
    EXPECT_EQ(child.predecessor, newest.id);
    expect_restores(child);
}

TEST_F(BackupFallbackTest, ASnapshotWithoutReadableHeadIsNotTheParent) {
    source_.set_pages("main", page_like(1, 128 * kPage));
    const SnapshotSummary first = back_up_source(BackupMode::full).summary;
    const SnapshotSummary second = back_up_source().summary;
    disk_.damage(manifest_object_name(second.source_id, second.id),
                 [](Bytes& content) { flip(content, 60); });
    const SnapshotDetails third = back_up_source();
    EXPECT_EQ(third.summary.parent, first.id);
    EXPECT_EQ(third.summary.mode, BackupMode::incremental);
    expect_restores(third);
}

TEST_F(BackupFallbackTest, AGapInTheChangeRecordMeansReadingEverything) {
    source_.set_pages("main", page_like(1, 256 * kPage));
    const SnapshotDetails parent = back_up_source();
    source_.set_page("main", 70, page_like(2, kPage));
    const SampleBehaviour forgetful{.record_begins_at = source_.version()};
    const SnapshotDetails child = back_up_source(BackupMode::incremental, forgetful);
    EXPECT_EQ(child.summary.mode, BackupMode::incremental);
    EXPECT_EQ(child.summary.parent, parent.summary.id);
    EXPECT_EQ(child.summary.capture, Capture::reread);
    EXPECT_EQ(child.reason, "the record begins at 2");
    EXPECT_EQ(child.summary.bytes_read, 256U * kPage);
    EXPECT_EQ(child.summary.chunks_reused, 3U) << "what was read and known is not stored again";
    EXPECT_EQ(child.summary.chunks_delta, 1U);
    expect_restores(child);
    // The record reaches back to the new snapshot.
    const SnapshotDetails next = back_up_source(BackupMode::incremental, forgetful);
    EXPECT_EQ(next.summary.capture, Capture::tracked);
    EXPECT_EQ(next.summary.bytes_read, 4U * kPage) << "a sample";
    EXPECT_EQ(next.reason, "");
}

TEST_F(BackupFallbackTest, AGapIsAnErrorWhereAFallbackIsRefused) {
    source_.set_pages("main", page_like(1, 16 * kPage));
    back_up_source();
    source_.set_page("main", 3, page_like(2, kPage));
    const std::size_t objects = disk_.contents().size();
    BackupOptions options;
    options.fallback = Fallback::refused;
    try {
        back_up(source_, disk_, options, {.record_begins_at = source_.version()});
        FAIL();
    } catch (const SourceError& error) {
        EXPECT_EQ(error.code(), "fallback_refused");
        EXPECT_NE(std::string_view(error.what()).find("the record begins at 2"),
                  std::string_view::npos);
    }
    EXPECT_EQ(disk_.contents().size(), objects) << "nothing was begun";
    // A full needs no change record.
    options.mode = BackupMode::full;
    EXPECT_NO_THROW(back_up(source_, disk_, options, {.record_begins_at = source_.version()}));
}

/// Nothing of a condemned pack may be in a new snapshot, planned for reuse or not: a collector may
/// delete it at any moment (docs/protocol.md).
TEST_F(BackupFallbackTest, WhatACollectorCondemnedIsReadAndStoredAgain) {
    source_.set_pages("main", page_like(1, 256 * kPage));
    source_.set_opaque("script", page_like(2, 100'000));
    for (const bool uses_patches : {false, true}) {
        back_up_source(BackupMode::incremental);
        std::vector<ObjectName> packs;
        std::vector<PackName> names;
        for (const auto& [name, content] : disk_.contents()) {
            if (const auto pack = pack_name_of(ObjectName(name))) {
                packs.emplace_back(name);
                names.push_back(*pack);
            }
        }
        const ObjectName marker("condemned/" + new_run_id());
        disk_.put(marker, encode_marker(open_repository(disk_)->keys(), marker, names), {});
        source_.set_page("main", 70, page_like(3 + (uses_patches ? 1 : 0), kPage));
        const SnapshotDetails child =
            back_up_source(BackupMode::incremental, {.uses_patches = uses_patches});
        EXPECT_EQ(child.summary.chunks_reused, 0U);
        EXPECT_EQ(child.summary.chunks_delta, 0U) << "a base must be provided too";
        for (const ObjectName& pack : packs) {
            disk_.remove(pack, {});
        }
        expect_restores(child);
    }
}

TEST_F(BackupFallbackTest, AnIncompleteSnapshotSaysSoAndTheNextOneStartsFromIt) {
    source_.set_pages("main", page_like(1, 128 * kPage));
    const SnapshotDetails partial =
        back_up_source(BackupMode::incremental, {.is_incomplete = true});
    EXPECT_TRUE(partial.summary.is_incomplete);
    EXPECT_TRUE(snapshots(disk_).at(0).is_incomplete);
    EXPECT_EQ(partial.warnings, std::vector<std::string>{"a table was left out"});
    const SnapshotDetails next = back_up_source();
    EXPECT_EQ(next.summary.parent, partial.summary.id);
    EXPECT_FALSE(next.summary.is_incomplete);
    EXPECT_TRUE(next.warnings.empty());
    expect_restores(next);
}

}  // namespace
}  // namespace dbbackup
