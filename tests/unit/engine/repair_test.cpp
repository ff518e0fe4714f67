/// @file
/// A repair names what is lost, records it, and so the next backup of the same data heals every
/// snapshot that the data was lost from; it never makes anything worse.

#include "engine/repair.hpp"

#include "prune_fixture.hpp"
#include "repository/damage_records.hpp"
#include "support/sample_repair.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

class RepairTest : public PruneTest {
protected:
    /// The chunk of the first page of the `number`th snapshot; a segment has eight pages.
    [[nodiscard]] ChunkCopyPtr first_chunk(std::size_t number) {
        const auto manifest = open_repository(disk_)->manifest(taken_.at(number), {});
        return manifest->streams.at(0).lists.at(0).segments.at(0).chunks.at(0);
    }
    static ObjectName pack_of(const ChunkCopyPtr& copy) {
        return pack_object_name(copy->pack->name);
    }
    void flip(const ChunkCopyPtr& copy) {
        disk_.damage(pack_of(copy), [&](Bytes& content) { content.at(copy->offset_bytes) ^= 1U; });
    }
    [[nodiscard]] std::string harm() { return harm_text(verify(disk_, VerifyDepth::data)); }
    void expect_all_restore() {
        for (const SnapshotId& id : visible()) {
            EXPECT_EQ(restore(id, disk_), contents_.at(id)) << id;
        }
    }
    /// Of what the shop holds now.
    SnapshotId take_again() {
        const SnapshotId id = back_up(shop_, disk_, {}, {.segment_pages = 8}).snapshot.summary.id;
        contents_[id] = shop_.contents();
        taken_.push_back(id);
        return id;
    }
};

TEST_F(RepairTest, OfAWholeRepositoryChangesNothing) {
    take();
    take();
    const auto before = disk_.contents();
    const RepairReport report = repair(disk_);
    EXPECT_TRUE(report.recorded.empty());
    EXPECT_TRUE(report.indexed.empty());
    EXPECT_TRUE(report.losses.empty());
    EXPECT_TRUE(report.beyond_repair.empty());
    EXPECT_TRUE(disk_.contents() == before);
}

TEST_F(RepairTest, ADryRunSaysTheSameAndChangesNothing) {
    take();
    flip(first_chunk(0));
    const auto before = disk_.contents();
    RepairOptions options = repair_of_data();
    options.is_dry_run = true;
    const RepairReport dry = repair(disk_, options);
    EXPECT_TRUE(disk_.contents() == before);
    const RepairReport real = repair(disk_);
    EXPECT_EQ(dry.recorded, real.recorded);
    EXPECT_EQ(dry.losses.size(), real.losses.size());
    EXPECT_EQ(names_below(disk_, "damaged").size(), 1U);
}

TEST_F(RepairTest, TheNextBackupHealsWhatLostADamagedChunk) {
    take();
    take_again();
    const ChunkCopyPtr chunk = first_chunk(0);
    flip(chunk);
    const RepairReport report = repair(disk_);
    EXPECT_EQ(report.recorded, std::vector<std::string>{pack_of(chunk).text()});
    ASSERT_EQ(report.losses.size(), 2U);
    for (const SnapshotLoss& loss : report.losses) {
        EXPECT_TRUE(loss.is_readable);
        EXPECT_EQ(loss.bytes_lost, chunk->plain_bytes);
        ASSERT_EQ(loss.lost.size(), 1U);
        EXPECT_EQ(loss.lost.front().first_page, 0U);
        EXPECT_EQ(loss.lost.front().page_count, chunk->plain_bytes / kPage);
        EXPECT_FALSE(loss.problems.empty());
    }
    EXPECT_NE(harm(), "");
    EXPECT_THROW(static_cast<void>(restore(taken_.front(), disk_)), CorruptionError);

    take_again();
    EXPECT_EQ(harm(), "");
    expect_all_restore();
    EXPECT_TRUE(repair(disk_).losses.empty());

    prune(disk_, sample_prune());
    EXPECT_FALSE(has(chunk->pack->name)) << "all of it lies elsewhere now";
    EXPECT_TRUE(names_below(disk_, "damaged").empty());
    expect_clean();
}

/// Without a repair nothing tells a backup that reads nothing.
TEST_F(RepairTest, WithoutItAnUnchangedSourceGoesOnWithTheDamage) {
    take();
    flip(first_chunk(0));
    take_again();
    EXPECT_NE(harm(), "");
    EXPECT_THROW(static_cast<void>(restore(taken_.back(), disk_)), CorruptionError);
}

TEST_F(RepairTest, AMissingPackIsHealedToo) {
    take();
    const ObjectName pack = pack_of(first_chunk(0));
    disk_.remove(pack, {});
    RepairOptions options;
    options.depth = VerifyDepth::structure;
    const RepairReport report = repair(disk_, options);
    EXPECT_EQ(report.recorded, std::vector<std::string>{pack.text()});
    ASSERT_EQ(report.losses.size(), 1U);
    EXPECT_EQ(report.losses.front().bytes_lost, shop_.contents().at("pages").size());
    take_again();
    EXPECT_EQ(harm(), "");
    expect_all_restore();
    prune(disk_, sample_prune());
    EXPECT_EQ(harm(), "");
    expect_all_restore();
}

/// What only the damaged pack holds, and can be read, is not given up.
TEST_F(RepairTest, ADamagedPackStaysForWhatOnlyItHolds) {
    take();
    take();  // Page 1 has changed: the old one is only in the first pack.
    const auto manifest = open_repository(disk_)->manifest(taken_.front(), {});
    const auto& segments = manifest->streams.at(0).lists.at(0).segments;
    const ChunkCopyPtr chunk = segments.back().chunks.back();
    ASSERT_NE(chunk->ordinal, first_chunk(0)->ordinal);
    flip(chunk);
    repair(disk_);
    take_again();
    EXPECT_EQ(harm(), "");
    for (int time = 0; time < 2; ++time) {
        prune(disk_, compacting_prune());
        EXPECT_TRUE(has(chunk->pack->name));
        expect_all_restore();
    }
    prune(disk_, sample_prune(keep_newest(1)));
    EXPECT_FALSE(has(chunk->pack->name));
    expect_clean();
}

TEST_F(RepairTest, WhatTheDatabaseNoLongerHasStaysLostAndNamed) {
    take();
    flip(first_chunk(0));
    const ChunkCopyPtr chunk = first_chunk(0);
    shop_.set_pages("pages", noise(77, std::size_t{16} * kPage), kPage);
    repair(disk_);
    take_again();
    prune(disk_, compacting_prune());
    EXPECT_TRUE(has(chunk->pack->name)) << "the rest of the first snapshot";
    EXPECT_EQ(restore(taken_.back(), disk_), contents_.at(taken_.back()));
    const RepairReport again = repair(disk_);
    EXPECT_TRUE(again.recorded.empty()) << "it is recorded already";
    ASSERT_EQ(again.losses.size(), 1U);
    EXPECT_EQ(again.losses.front().snapshot, taken_.front());
    EXPECT_EQ(again.losses.front().bytes_lost, chunk->plain_bytes);
}

TEST_F(RepairTest, PacksInNoReadableIndexAreInOneAgain) {
    SampleDatabase large;
    large.set_pages("main", page_like(1, std::size_t{1000} * kPage), kPage);
    back_up(large, disk_, {}, {.segment_pages = 1});
    const std::vector<std::string> indexes = names_below(disk_, "indexes");
    ASSERT_FALSE(indexes.empty());
    for (const std::string& name : indexes) {
        disk_.remove(ObjectName(name), {});
    }
    const RepairReport report = repair(disk_);
    EXPECT_EQ(report.indexed.size(), names_below(disk_, "packs").size());
    EXPECT_FALSE(names_below(disk_, "indexes").empty());
    EXPECT_TRUE(repair(disk_).indexed.empty());
    SampleBehaviour other;
    other.identity = "host:/other";
    other.segment_pages = 1;
    BackupOptions options;
    options.source_name = "other";
    const auto taken = back_up(large, disk_, options, other).snapshot.summary;
    EXPECT_EQ(taken.chunks_new + taken.chunks_delta, 0U) << "all of it is found";
}

/// Nobody can say what such a pack holds, so it stays until all that is needed is known to lie in
/// others.
TEST_F(RepairTest, APackWhoseDirectoryCannotBeReadCanBeRemoved) {
    take();
    const auto before = names_below(disk_, "packs");
    {
        const auto repository = open_repository(disk_);
        SnapshotWriter dead(*repository, clock_, "backup", SourceId(16, 'd'), {});
        RepositoryPlace::add(dead, *repository, noise(5, 3000));
        dead.flush();
    }
    ObjectName pack("none");
    for (const std::string& name : names_below(disk_, "packs")) {
        if (std::find(before.begin(), before.end(), name) == before.end()) {
            pack = ObjectName(name);
        }
    }
    for (const std::string& name : names_below(disk_, "indexes")) {
        disk_.remove(ObjectName(name), {});
    }
    disk_.damage(pack, [](Bytes& content) { content.at(content.size() - 20) ^= 1U; });
    prune(disk_, sample_prune());
    EXPECT_TRUE(disk_.contents().contains(pack.text()));
    EXPECT_EQ(repair(disk_).recorded, std::vector<std::string>{pack.text()});
    prune(disk_, sample_prune());
    EXPECT_FALSE(disk_.contents().contains(pack.text()));
    expect_clean();
}

/// It may speak of any pack, so none may go.
TEST_F(RepairTest, ARecordThatCannotBeReadStopsCollectorsUntilItIsWrittenAnew) {
    take();
    take_again();
    flip(first_chunk(0));
    repair(disk_);
    const ObjectName record(names_below(disk_, "damaged").at(0));
    disk_.damage(record, [](Bytes& content) { content.back() ^= 1U; });
    take_again();
    EXPECT_FALSE(prune(disk_, sample_prune()).problems.empty());

    RepairOptions careful = repair_of_data();
    careful.may_remove = false;
    EXPECT_EQ(repair(disk_, careful).beyond_repair, std::vector<std::string>{record.text()});
    EXPECT_TRUE(disk_.contents().contains(record.text()));
    const RepairReport report = repair(disk_);
    EXPECT_EQ(report.removed, std::vector<std::string>{record.text()});
    EXPECT_FALSE(disk_.contents().contains(record.text()));
    take_again();
    EXPECT_EQ(harm(), "");
    prune(disk_, sample_prune());
    expect_clean();
}

/// It may name any pack, too. Its collection is given up, even if it is alive: it will notice.
TEST_F(RepairTest, AMarkerThatCannotBeReadIsRemovedWithItsCollection) {
    take();
    const RunId collector = other_marker({});
    const ObjectName marker = marker_object_name(collector);
    disk_.damage(marker, [](Bytes& content) { content.back() ^= 1U; });
    EXPECT_THROW(prune(disk_, sample_prune()), CorruptionError);
    RepairOptions options = repair_of_data();
    options.is_dry_run = true;
    const auto before = disk_.contents();
    EXPECT_EQ(repair(disk_, options).removed, std::vector<std::string>{marker.text()});
    EXPECT_TRUE(disk_.contents() == before);
    EXPECT_EQ(repair(disk_).removed, std::vector<std::string>{marker.text()});
    EXPECT_FALSE(disk_.contents().contains(marker.text()));
    EXPECT_TRUE(records().is_decided(collector));
    prune(disk_, sample_prune());
    expect_clean();
}

TEST_F(RepairTest, AMarkerStaysWhoseOutcomeIsDamagedToo) {
    take();
    const RunId collector = other_marker({});
    put_outcome(collector, {});
    for (const ObjectName& name :
         {marker_object_name(collector), collection_object_name(collector)}) {
        disk_.damage(name, [](Bytes& content) { content.back() ^= 1U; });
    }
    const RepairReport report = repair(disk_);
    EXPECT_TRUE(report.removed.empty());
    EXPECT_EQ(report.beyond_repair.size(), 2U);
    EXPECT_TRUE(disk_.contents().contains(marker_object_name(collector).text()));
}

TEST_F(RepairTest, WhatOnlyACopyMendsIsNamed) {
    take();
    take_again();
    const ObjectName manifest(names_below(disk_, "manifests").at(0));
    disk_.damage(manifest, [](Bytes& content) { content.back() ^= 1U; });
    const RepairReport report = repair(disk_);
    EXPECT_EQ(report.beyond_repair, std::vector<std::string>{manifest.text()});
    ASSERT_EQ(report.losses.size(), 1U);
    EXPECT_FALSE(report.losses.front().is_readable);
    EXPECT_EQ(report.losses.front().snapshot, manifest.leaf());
}

TEST_F(RepairTest, OfAnotherKindOfRecordIsRefused) {
    const auto repository = open_repository(disk_);
    const ObjectName name = new_damage_object_name();
    const Bytes marker = encode_marker(repository->keys(), name, {});
    EXPECT_THROW(static_cast<void>(decode_damage(repository->keys(), name, marker)),
                 CorruptionError);
    const Bytes damage = encode_damage(repository->keys(), name, {});
    EXPECT_TRUE(decode_damage(repository->keys(), name, damage).empty());
}

}  // namespace
}  // namespace dbbackup
