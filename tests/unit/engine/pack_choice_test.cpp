#include "engine/pack_choice.hpp"

#include "engine/collection_view.hpp"
#include "prune_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// Three packs hold one chunk each that the last snapshot needs; nothing else refers to them when
/// the collection begins.
class ChoiceTest : public PruneTest {
protected:
    /// `copies` packs with the same chunk; a manifest refers to the last.
    void store_copies(std::size_t copies) {
        const Bytes content = noise(7, 1500);
        const auto repository = open_repository(disk_);
        std::vector<std::unique_ptr<SnapshotWriter>> writers;
        for (std::size_t i = 0; i < copies; ++i) {
            writers.push_back(std::make_unique<SnapshotWriter>(
                *repository, clock_, "backup", SourceId(16, 'd'), std::stop_token()));
        }
        for (std::size_t i = 0; i < copies; ++i) {
            const ChunkCopyPtr copy = RepositoryPlace::add(*writers[i], *repository, content);
            writers[i]->flush();
            Manifest manifest = RepositoryPlace::manifest(i + 1, {copy});
            writers[i]->commit(manifest);
            ids_.push_back(writers[i]->run_id());
            packs_.push_back(copy->pack->name);
            contents_[ids_.back()] = {{"main", content}};
        }
        sorted_ = packs_;
        std::sort(sorted_.begin(), sorted_.end());
    }
    /// What a collection whose marker names `packs` may remove.
    std::set<PackName> removable_of(const std::vector<PackName>& packs) {
        const RunId run = other_marker(packs);
        const auto repository = open_repository(disk_);
        const PruneOptions options = only({});
        CollectionViewReader reader(*repository, options);
        const CollectionView view = reader.read({});
        const std::vector<PackName> chosen =
            PackChoice(view).removable(run, {packs.begin(), packs.end()});
        return {chosen.begin(), chosen.end()};
    }

    PruneOptions only(const std::vector<RunId>& alive) {
        return sample_prune({}, {alive.begin(), alive.end()});
    }

    std::vector<SnapshotId> ids_;
    std::vector<PackName> packs_;
    std::vector<PackName> sorted_;
};

TEST_F(ChoiceTest, WhatIsInNoMarkerSufficesWithoutAnyCandidate) {
    store_copies(3);
    EXPECT_EQ(removable_of({packs_[0], packs_[1]}), (std::set{packs_[0], packs_[1]}));
}

TEST_F(ChoiceTest, OwnCandidatesStayInNameOrderUntilTheySuffice) {
    store_copies(3);
    EXPECT_EQ(removable_of(packs_), (std::set{sorted_[1], sorted_[2]}));
}

TEST_F(ChoiceTest, NoPackStaysBesideOneThatHoldsAllThatItHolds) {
    store_copies(3);
    const auto repository = open_repository(disk_);
    std::vector<PackName> all = packs_;
    PackName larger;
    while (larger < sorted_[1]) {  // So that some of the others come before it.
        SnapshotWriter writer(*repository, clock_, "backup", SourceId(16, 'd'), {});
        const ChunkCopyPtr both = RepositoryPlace::add(writer, *repository, noise(7, 1500));
        const ChunkCopyPtr alone = RepositoryPlace::add(writer, *repository, noise(8, 1500));
        writer.flush();
        Manifest manifest = RepositoryPlace::manifest(all.size() + 1, {both, alone});
        writer.commit(manifest);
        larger = both->pack->name;
        all.push_back(larger);
    }
    const std::set<PackName> going = removable_of(all);
    EXPECT_EQ(going.size(), all.size() - 1) << "one holds everything";
    EXPECT_THAT(
        packs_,
        testing::Each(testing::Truly([&](const PackName& pack) { return going.contains(pack); })));
}

TEST_F(ChoiceTest, CandidatesThatAnotherUndecidedMarkerNamesComeLast) {
    store_copies(3);
    other_marker({sorted_[0]});
    EXPECT_EQ(removable_of(packs_), (std::set{sorted_[0], sorted_[2]}))
        << "the other collector may remove the first, so nobody counts on it";
}

TEST_F(ChoiceTest, WhereOthersNameAllOfThemEveryOneStays) {
    store_copies(3);
    other_marker(packs_);
    EXPECT_EQ(removable_of(packs_), std::set<PackName>());
    prune(disk_, only({}));  // Nobody is alive.
    expect_clean();
}

TEST_F(ChoiceTest, MarkersOfDecidedCollectionsMeanNothing) {
    for (const bool is_tombstone : {true, false}) {
        store_copies(1);
        const RunId other = other_marker({packs_.back()});
        is_tombstone ? put_tombstone(other) : put_outcome(other, {});
        EXPECT_TRUE(records().removals().packs.empty());
        EXPECT_TRUE(records().markers.contains(other));
        prune(disk_, only({other}));
        EXPECT_TRUE(has(packs_.back()));
        EXPECT_FALSE(records().markers.contains(other)) << "it is deleted";
        expect_whole();
    }
}

TEST_F(ChoiceTest, DeadPacksThatAnotherMarkerNamesAreCandidatesToo) {
    take_alone(1);
    const PackName dead = only_pack_of(take_alone(2));
    const RunId other = other_marker({dead});
    PruneOptions options = only({other});
    options.snapshots = {taken_[1]};
    prune(disk_, options);
    EXPECT_FALSE(has(dead));
    expect_whole();
}

TEST_F(PruneTest, RemovesNoPackWhileASegmentListIsLost) {
    SampleDatabase large;
    large.set_pages("main", page_like(1, std::size_t{1000} * kPage), kPage);
    const SnapshotId id = back_up(large, disk_, {}, {.segment_pages = 1}).snapshot.summary.id;
    contents_[id] = large.contents();
    const PackName other = only_pack_of(take_alone(2));
    const auto repository = open_repository(disk_);
    const ChunkCopyPtr list = repository->manifest(id, {})->streams.at(0).lists.at(0).chunk;
    ASSERT_TRUE(list);
    const ObjectName pack = pack_object_name(list->pack->name);
    const Bytes content = disk_.contents().at(pack.text());
    disk_.damage(pack, [&](Bytes& bytes) { bytes.at(list->offset_bytes) ^= 1U; });
    PruneOptions options = sample_prune();
    options.snapshots = {taken_.back()};
    const PruneReport report = prune(disk_, options);
    EXPECT_EQ(report.packs_removed, 0U);
    EXPECT_FALSE(report.problems.empty());
    EXPECT_TRUE(has(other));
    EXPECT_FALSE(visible().contains(taken_.back())) << "the snapshot itself is gone";
    disk_.damage(pack, [&](Bytes& bytes) { bytes = content; });
    EXPECT_GT(prune(disk_, sample_prune()).packs_removed, 0U);
    EXPECT_FALSE(has(other));
    expect_clean();
}

TEST_F(ChoiceTest, KeepsWhatIsLeftOfALostDelta) {
    // The snapshot's delta is there, its base is not: whoever puts the base back has it all.
    SampleDatabase shop;
    shop.set_pages("main", page_like(1, 64 * 4096));
    back_up(shop, disk_);
    Bytes changed = page_like(1, 64 * 4096);
    changed.at(5000) ^= 1U;
    shop.set_pages("main", changed);
    const SnapshotId second = back_up(shop, disk_).snapshot.summary.id;
    const auto repository = open_repository(disk_);
    ChunkCopyPtr delta;
    const auto manifest = repository->manifest(second, {});
    for (const StoredSegment& segment : manifest->streams.at(0).lists.at(0).segments) {
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            delta = chunk->bases.empty() ? delta : chunk;
        }
    }
    ASSERT_TRUE(delta);
    const ObjectName base = pack_object_name(delta->bases.at(0)->pack->name);
    const Bytes content = disk_.contents().at(base.text());
    disk_.remove(base, {});
    // To a collection that began before anybody needed it, too.
    EXPECT_EQ(removable_of({delta->pack->name}), std::set<PackName>());
    prune(disk_, sample_prune(keep_newest(1)));
    EXPECT_TRUE(has(delta->pack->name));
    disk_.put(base, content, {});
    EXPECT_EQ(restore(second, disk_), shop.contents());
}

// --- readers while packs go
// ------------------------------------------------------------------------

TEST_F(ChoiceTest, ARestoreFindsChunksInOtherPacksWhenTheirsWasRemoved) {
    store_copies(2);
    CollectionOutcome outcome;
    outcome.removed_packs = {packs_[0]};
    put_outcome(other_marker({packs_[0]}), outcome);
    prune(disk_, only({}));
    ASSERT_FALSE(has(packs_[0]));
    EXPECT_EQ(restore(ids_[0], disk_), contents_.at(ids_[0]));
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::structure)), "");
}

TEST_F(PruneTest, ARestoreOfASnapshotThatIsRemovedMeanwhileSaysSo) {
    take_alone(1);
    take_alone(2);
    bool is_pruned = false;
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.name.starts_with("packs/") && !std::exchange(is_pruned, true)) {
            PruneOptions options = sample_prune();
            options.snapshots = {taken_[0]};
            prune(disk_, options);
        }
    };
    FaultyStorage watched(disk_, faults);
    try {
        static_cast<void>(restore(taken_[0], watched));
        FAIL() << "it restored what is gone";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "snapshot_removed");
    }
    disk_.remove(pack_object_name(only_pack_of(taken_[1])), {});
    EXPECT_THROW(static_cast<void>(restore(taken_[1], disk_)), CorruptionError);
}

}  // namespace
}  // namespace dbbackup
