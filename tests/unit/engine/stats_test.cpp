#include "engine/stats.hpp"

#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"
#include "support/sample_prune.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

RepositoryStats stats_of(Storage& disk) {
    const auto repository = open_repository(disk);
    SampleContext sample;
    return stats(*repository, sample.context(), {});
}

SnapshotSummary back_up_bytes(MemoryStorage& disk, const std::string& source, std::size_t bytes,
                              BackupMode mode = BackupMode::incremental) {
    SampleDatabase database;
    database.set_opaque("dump", page_like(bytes, bytes));
    BackupOptions options;
    options.source_name = source;
    options.mode = mode;
    return back_up(database, disk, options, {.identity = "host:/data/" + source}).snapshot.summary;
}

TEST(Stats, AnEmptyRepositoryHoldsItsConfigAndKeyOnly) {
    for (const Encryption encryption : {Encryption::none, Encryption::keyfile}) {
        MemoryStorage disk;
        make_repository(disk, encryption);
        const RepositoryStats all = stats_of(disk);
        EXPECT_EQ(all.snapshots, 0U);
        EXPECT_EQ(all.packs, 0U);
        EXPECT_EQ(all.pack_bytes, 0U);
        EXPECT_EQ(all.bytes_source_all, 0U);
        EXPECT_TRUE(all.sources.empty());
        EXPECT_EQ(all.other_objects, encryption == Encryption::none ? 1U : 2U);
        EXPECT_GT(all.other_bytes, 0U);
    }
}

TEST(Stats, SumUpSnapshotsBySource) {
    MemoryStorage disk;
    make_repository(disk);
    const SnapshotSummary big = back_up_bytes(disk, "shop", 200'000);
    const SnapshotSummary small = back_up_bytes(disk, "shop", 50'000);
    const SnapshotSummary other = back_up_bytes(disk, "blog", 70'000, BackupMode::full);
    const RepositoryStats all = stats_of(disk);
    EXPECT_EQ(all.snapshots, 3U);
    EXPECT_EQ(all.bytes_source_all, 320'000U);
    ASSERT_EQ(all.sources.size(), 2U);
    const SourceStats& shop = all.sources.at("shop");
    EXPECT_EQ(shop.snapshots, 2U);
    EXPECT_EQ(shop.bytes_source_newest, 50'000U) << "the newest, not the largest";
    EXPECT_EQ(shop.bytes_source_all, 250'000U);
    EXPECT_EQ(shop.bytes_added, big.bytes_added + small.bytes_added);
    const SourceStats& blog = all.sources.at("blog");
    EXPECT_EQ(blog.snapshots, 1U);
    EXPECT_EQ(blog.bytes_source_newest, 70'000U);
    EXPECT_EQ(blog.bytes_source_all, 70'000U);
    EXPECT_EQ(blog.bytes_added, other.bytes_added);
}

TEST(Stats, CountEveryStoredByteOnce) {
    MemoryStorage disk;
    make_repository(disk, Encryption::keyfile);
    back_up_bytes(disk, "shop", 100'000);
    back_up_bytes(disk, "shop", 120'000);
    std::uint64_t packs = 0;
    std::uint64_t pack_bytes = 0;
    std::uint64_t other_bytes = 0;
    for (const auto& [name, content] : disk.contents()) {
        const bool is_pack = name.starts_with("packs/");
        packs += is_pack ? 1 : 0;
        (is_pack ? pack_bytes : other_bytes) += content.size();
    }
    const RepositoryStats all = stats_of(disk);
    EXPECT_EQ(all.packs, packs);
    EXPECT_EQ(all.pack_bytes, pack_bytes);
    EXPECT_EQ(all.other_objects, disk.contents().size() - packs);
    EXPECT_EQ(all.other_bytes, other_bytes);
}

TEST(Stats, ADamagedManifestIsLeftOutAndItsBytesStillCount) {
    MemoryStorage disk;
    make_repository(disk);
    const SnapshotSummary first = back_up_bytes(disk, "shop", 60'000);
    const SnapshotSummary second = back_up_bytes(disk, "shop", 80'000);
    const RepositoryStats before = stats_of(disk);
    disk.damage(ObjectName("manifests/" + second.source_id + "/" + second.id),
                [](Bytes& content) { content[60] ^= 1U; });
    const RepositoryStats after = stats_of(disk);
    EXPECT_EQ(after.snapshots, 1U);
    EXPECT_EQ(after.sources.at("shop").bytes_source_newest, 60'000U);
    EXPECT_EQ(after.sources.at("shop").bytes_added, first.bytes_added);
    EXPECT_EQ(after.other_objects, before.other_objects);
    EXPECT_EQ(after.other_bytes, before.other_bytes);
    EXPECT_EQ(before.bytes_unused, 0U);
    EXPECT_FALSE(after.bytes_unused) << "nobody knows what it needs";
}

TEST(Stats, TellWhatIsKeptForDeltasOnlyAndWhatNothingNeeds) {
    MemoryStorage disk;
    make_repository(disk);
    SampleDatabase shop;
    shop.set_pages("pages", page_like(1, 64 * 1024), 1024);
    shop.set_opaque("script", noise(1, 5000));
    back_up(shop, disk);
    shop.set_page("pages", 3, page_like(2, 1024));
    shop.set_opaque("script", noise(2, 5000));
    back_up(shop, disk);
    EXPECT_EQ(stats_of(disk).bytes_only_bases, 0U) << "the first snapshot needs the bases itself";
    prune(disk, sample_prune(keep_newest(1)));
    const RepositoryStats all = stats_of(disk);
    EXPECT_GT(all.bytes_only_bases, 10'000U);
    EXPECT_GE(all.bytes_unused, 5000U);
    EXPECT_LT(all.bytes_unused, 7000U);
}

}  // namespace
}  // namespace dbbackup
