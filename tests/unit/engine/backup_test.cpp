#include "engine/backup.hpp"

#include "base/error.hpp"
#include "repository/keys.hpp"
#include "repository/manifest.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;

BackupOptions full_options() {
    BackupOptions options;
    options.mode = BackupMode::full;
    return options;
}

class BackupTest : public testing::TestWithParam<Encryption> {
protected:
    BackupTest() { make_repository(disk_, GetParam()); }

    BackupReport back_up_shop(BackupMode mode, SampleBehaviour behaviour = {}) {
        BackupOptions options;
        options.mode = mode;
        return back_up(shop_, disk_, options, std::move(behaviour));
    }
    void expect_restores(const SnapshotId& id, const Contents& expected) {
        EXPECT_EQ(restore(id, disk_), expected);
        const VerifyReport report = verify(disk_, VerifyDepth::data);
        EXPECT_TRUE(report.findings.empty()) << findings_text(report);
    }

    MemoryStorage disk_;
    SampleDatabase shop_ = sample_shop(256, 300'000, 500);
};

INSTANTIATE_TEST_SUITE_P(Encryptions, BackupTest,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(BackupTest, TheFirstIncrementalIsAFullAndSaysSo) {
    const BackupReport report = back_up_shop(BackupMode::incremental);
    const SnapshotSummary& summary = report.snapshot.summary;
    EXPECT_EQ(summary.mode, BackupMode::full);
    EXPECT_EQ(summary.requested_mode, BackupMode::incremental);
    EXPECT_EQ(summary.parent, std::nullopt);
    EXPECT_EQ(summary.sequence, 1U);
    EXPECT_EQ(summary.source_name, "sample");
    EXPECT_EQ(summary.identity, "host:/data/sample.db");
    EXPECT_EQ(summary.capture, Capture::full);
    EXPECT_EQ(summary.rows, 500U);
    EXPECT_EQ(summary.chunks_delta, 0U);
    EXPECT_EQ(report.snapshot.reason, "this is the first snapshot of the source");
    EXPECT_EQ(report.snapshot.connector_state, "state of the sample connector");
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : shop_.contents()) {
        bytes += content.size();
    }
    EXPECT_EQ(summary.bytes_source, bytes);
    EXPECT_EQ(summary.bytes_read, bytes);
    EXPECT_EQ(summary.bytes_added > bytes / 10 && summary.bytes_added < bytes, true);
    expect_restores(summary.id, shop_.contents());
}

TEST_P(BackupTest, WhatIsReportedIsWhatIsStored) {
    BackupOptions options = full_options();
    options.tags = {{"env", "prod"}};
    options.source_name = "shop";
    const BackupReport report = back_up(shop_, disk_, options, {.is_incomplete = true});
    const SnapshotDetails stored = open_repository(disk_)->details(report.snapshot.summary.id, {});
    EXPECT_EQ(stored.summary.tags, options.tags);
    EXPECT_EQ(stored.summary.source_name, "shop");
    EXPECT_TRUE(stored.summary.is_incomplete);
    EXPECT_EQ(stored.warnings, std::vector<std::string>{"a table was left out"});
    EXPECT_EQ(stored.position.value, std::to_string(shop_.version()));
    EXPECT_EQ(stored.streams.size(), 3U);
    EXPECT_EQ(stored.summary.bytes_added, report.snapshot.summary.bytes_added);
    EXPECT_EQ(stored.streams.at(0).definition, "definition of orders");
}

TEST_P(BackupTest, AnIncrementalReadsAndStoresOnlyWhatChanged) {
    const SnapshotId first = back_up_shop(BackupMode::full).snapshot.summary.id;
    const Contents before = shop_.contents();
    shop_.set_page("pages", 70, page_like(9, kPage));
    shop_.set_row("orders", 123, "changed\n");
    const BackupReport report = back_up_shop(BackupMode::incremental);
    const SnapshotSummary& summary = report.snapshot.summary;
    EXPECT_EQ(summary.mode, BackupMode::incremental);
    EXPECT_EQ(summary.parent, first);
    EXPECT_EQ(summary.sequence, 2U);
    EXPECT_EQ(summary.capture, Capture::tracked);
    EXPECT_EQ(report.snapshot.predecessor, first);
    EXPECT_EQ(from_hex(report.snapshot.predecessor_digest).size(), 32U);
    // One of four segments of pages, one of ten of rows, the whole script, and a sample.
    EXPECT_LT(summary.bytes_read, 64 * kPage + 300'000 + 2'000 + 4 * kPage);
    EXPECT_EQ(summary.chunks_new, 0U);
    EXPECT_EQ(summary.chunks_delta, 2U);
    EXPECT_LT(summary.bytes_added, 12'000U);
    expect_restores(first, before);
    expect_restores(summary.id, shop_.contents());
}

TEST_P(BackupTest, AnUnchangedDatabaseCostsTwoSmallObjects) {
    back_up_shop(BackupMode::full);
    const std::size_t objects = disk_.contents().size();
    const BackupReport report = back_up_shop(BackupMode::incremental);
    EXPECT_EQ(disk_.contents().size(), objects + 2);
    EXPECT_EQ(report.snapshot.summary.chunks_new + report.snapshot.summary.chunks_delta, 0U);
    EXPECT_LT(report.snapshot.summary.bytes_added, 4'000U);
    expect_restores(report.snapshot.summary.id, shop_.contents());
}

TEST_P(BackupTest, AFullStoresNothingTwiceAndNothingAsADelta) {
    back_up_shop(BackupMode::full);
    const BackupReport again = back_up_shop(BackupMode::full);
    EXPECT_EQ(again.snapshot.summary.chunks_new, 0U);
    EXPECT_EQ(again.snapshot.summary.parent, std::nullopt);
    shop_.set_page("pages", 70, page_like(9, kPage));
    back_up_shop(BackupMode::incremental);  // Holds the changed chunk as a delta.
    const BackupReport full = back_up_shop(BackupMode::full);
    EXPECT_EQ(full.snapshot.summary.chunks_new, 1U) << "the chunk that was held as a delta only";
    EXPECT_EQ(full.snapshot.summary.chunks_delta, 0U);
    expect_restores(full.snapshot.summary.id, shop_.contents());
}

TEST_P(BackupTest, ADifferentialGoesBackToTheNewestFull) {
    const SnapshotId full = back_up_shop(BackupMode::full).snapshot.summary.id;
    shop_.set_page("pages", 3, page_like(9, kPage));
    back_up_shop(BackupMode::incremental);
    shop_.set_page("pages", 100, page_like(10, kPage));
    const BackupReport report = back_up_shop(BackupMode::differential);
    EXPECT_EQ(report.snapshot.summary.parent, full);
    EXPECT_EQ(report.snapshot.summary.sequence, 3U);
    EXPECT_EQ(report.snapshot.summary.mode, BackupMode::differential);
    expect_restores(report.snapshot.summary.id, shop_.contents());
}

TEST_P(BackupTest, APatchedSegmentHasTheFingerprintOfItsPages) {
    const SampleBehaviour patching{.uses_patches = true};
    back_up_shop(BackupMode::full, patching);
    for (const std::uint64_t page : {3U, 5U, 70U, 255U}) {
        shop_.set_page("pages", page, page_like(page, kPage));
    }
    const BackupReport report = back_up_shop(BackupMode::incremental, patching);
    // Four pages, the script, and a sample: four pages of another segment, or a segment of rows.
    EXPECT_LT(report.snapshot.summary.bytes_read, 8 * kPage + 300'000 + 1);
    const auto repository = open_repository(disk_);
    const Fingerprint expected =
        repository->keys().fingerprinter().of_pages(shop_.contents().at("pages"), kPage, 0);
    EXPECT_EQ(report.snapshot.streams.at(1).fingerprint, expected);
    expect_restores(report.snapshot.summary.id, shop_.contents());
}

TEST_P(BackupTest, StreamsGrowAndShrinkAndComeAndGo) {
    std::map<SnapshotId, Contents> expected;
    const auto round = [&] {
        const BackupReport report =
            back_up_shop(BackupMode::incremental, {.uses_patches = expected.size() % 2 == 0});
        expected[report.snapshot.summary.id] = shop_.contents();
    };
    round();
    shop_.set_page("pages", 300, page_like(20, kPage));  // Grows, and the last segment changes.
    round();
    shop_.truncate_pages("pages", 130);
    round();
    shop_.truncate_pages("pages", 0);
    round();
    shop_.set_pages("pages", page_like(21, 128 * 8192), 8192);  // Another page size.
    round();
    shop_.drop("script");
    shop_.set_opaque("added", {});
    for (std::uint64_t key = 400; key < 700; ++key) {
        shop_.set_row("orders", key, fmt::format("again {}\n", key));
    }
    round();
    shop_.set_opaque("pages", noise(22, 1000));  // Another kind under an old name.
    round();
    for (const auto& [id, contents] : expected) {
        expect_restores(id, contents);
    }
}

TEST_P(BackupTest, OpaqueStreamsMoveFewCutsWhenBytesAreInserted) {
    Bytes script = noise(30, 6'000'000);
    SampleDatabase dump;
    dump.set_opaque("dump", script);
    back_up(dump, disk_, full_options());
    script.insert(script.begin() + 1000, 17);
    dump.set_opaque("dump", script);
    const BackupReport report = back_up(dump, disk_);
    EXPECT_LE(report.snapshot.summary.chunks_new + report.snapshot.summary.chunks_delta, 2U);
    EXPECT_GE(report.snapshot.summary.chunks_reused, 2U);
    EXPECT_EQ(restore(report.snapshot.summary.id, disk_), dump.contents());
}

TEST_P(BackupTest, EveryCompressionRestores) {
    for (const char* text : {"zstd:1", "zstd:9", "gzip", "gzip:1", "none"}) {
        MemoryStorage disk;
        make_repository(disk, GetParam());
        BackupOptions options;
        options.compression = Compression::parse(text).value();
        options.jobs = 1;
        const BackupReport report = back_up(shop_, disk, options);
        EXPECT_EQ(restore(report.snapshot.summary.id, disk), shop_.contents()) << text;
    }
}

TEST_P(BackupTest, DeltasAreLeftOutWhenTheyAreNotWanted) {
    back_up_shop(BackupMode::full);
    shop_.set_page("pages", 70, page_like(9, kPage));
    BackupOptions options;
    options.delta = DeltaPolicy::never;
    const BackupReport report = back_up(shop_, disk_, options);
    EXPECT_EQ(report.snapshot.summary.chunks_delta, 0U);
    EXPECT_EQ(report.snapshot.summary.chunks_new, 1U);
    expect_restores(report.snapshot.summary.id, shop_.contents());
}

TEST_P(BackupTest, ManySegmentsGoToListsOfTheirOwn) {
    SampleDatabase wide;
    wide.set_pages("main", page_like(5, 5000 * 512), 512);
    const SampleBehaviour small{.segment_pages = 1};
    const BackupReport first = back_up(wide, disk_, {}, small);
    const auto manifest = open_repository(disk_)->manifest(first.snapshot.summary.id, {});
    ASSERT_GE(manifest->streams.at(0).lists.size(), 2U);
    EXPECT_TRUE(manifest->streams.at(0).lists.at(0).chunk);
    wide.set_page("main", 4321, page_like(6, 512));
    const BackupReport second = back_up(wide, disk_, {}, small);
    EXPECT_LT(second.snapshot.summary.bytes_added, 40'000U) << "equal lists are stored once";
    EXPECT_EQ(second.snapshot.summary.chunks_new + second.snapshot.summary.chunks_delta, 1U);
    expect_restores(second.snapshot.summary.id, wide.contents());
}

}  // namespace
}  // namespace dbbackup
