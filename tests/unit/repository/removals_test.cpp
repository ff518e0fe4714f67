#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/run.hpp"
#include "repository_place.hpp"
#include "sample_keys.hpp"
#include "support/faulty_storage.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

const PackName kPack = sample_name<PackName>(1);
const PackName kOther = sample_name<PackName>(2);

class RemovalsTest : public testing::Test {
protected:
    [[nodiscard]] Removals read() const {
        return read_removals(place_.repository->storage(), place_.repository->keys(), {});
    }
    [[nodiscard]] Removals read_through(Faults faults) {
        FaultyStorage storage(place_.disk, std::move(faults));
        return read_removals(storage, place_.repository->keys(), {});
    }
    /// Before anything is read, another collection takes `gone` over and deletes it; notes what is
    /// listed.
    [[nodiscard]] Faults taken_over_before_the_first_reading(ObjectName gone,
                                                             std::vector<std::string>& listed) {
        Faults faults;
        faults.before = [this, gone = std::move(gone), &listed,
                         is_gone = false](const StorageCall& call) mutable {
            if (call.operation == StorageOperation::list) {
                listed.push_back(call.name);
            } else if (!is_gone) {
                is_gone = true;
                place_.remove({{kPack}, {}, {}, {}});
                place_.disk.remove(gone, {});
            }
        };
        return faults;
    }
    [[nodiscard]] ObjectName marker() const { return ObjectName(place_.names("condemned/").at(0)); }

    RepositoryPlace place_;
};

TEST_F(RemovalsTest, AreEmptyInANewRepository) {
    const Removals removals = read();
    EXPECT_TRUE(removals.packs.empty());
    EXPECT_TRUE(removals.manifests.empty());
    EXPECT_TRUE(removals.indexes.empty());
}

TEST_F(RemovalsTest, AreWhatAllMarkersAndOutcomesName) {
    place_.condemn({kPack});
    place_.remove({{kOther}, {"indexes/1"}, {"manifests/a/1"}, {"collections/9"}});
    place_.remove({{}, {"indexes/2"}, {}, {}});
    const Removals removals = read();
    EXPECT_EQ(removals.packs, (std::set<PackName>{kPack, kOther}));
    EXPECT_EQ(removals.indexes, (std::set<std::string>{"indexes/1", "indexes/2"}));
    EXPECT_EQ(removals.manifests, (std::set<std::string>{"manifests/a/1"}));
}

TEST_F(RemovalsTest, ACollectorThatWasGivenUpRemovedNothing) {
    const ObjectName name("collections/" + new_run_id());
    place_.disk.put(name, encode_tombstone(place_.repository->keys(), name, "x", "dead"), {});
    EXPECT_TRUE(read().packs.empty());
}

TEST_F(RemovalsTest, AMarkerThatTurnsIntoAnOutcomeBetweenTheListingsIsNotMissed) {
    // The collector puts its outcome and then deletes the marker, right before the second listing.
    place_.condemn({kPack});
    int listings = 0;
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::list && ++listings == 2) {
            place_.remove({{kPack}, {}, {}, {}});
            place_.disk.remove(marker(), {});
        }
    };
    EXPECT_EQ(read_through(faults).packs, std::set<PackName>{kPack});
    EXPECT_EQ(listings, 2);
}

TEST_F(RemovalsTest, AMarkerThatGoesBetweenListingAndReadingMakesBothListedAgain) {
    place_.condemn({kPack});
    std::vector<std::string> listed;
    const Faults faults = taken_over_before_the_first_reading(marker(), listed);
    EXPECT_EQ(read_through(faults).packs, std::set<PackName>{kPack});
    EXPECT_EQ(listed, (std::vector<std::string>{"condemned", "condemned", "collections"}));
}

TEST_F(RemovalsTest, AnOutcomeThatGoesBetweenListingAndReadingMakesBothListedAgain) {
    // Another collection took the list over and deleted it.
    const ObjectName old = place_.remove({{kPack}, {}, {}, {}});
    std::vector<std::string> listed;
    const Faults faults = taken_over_before_the_first_reading(old, listed);
    EXPECT_EQ(read_through(faults).packs, std::set<PackName>{kPack});
    EXPECT_EQ(listed,
              (std::vector<std::string>{"condemned", "collections", "condemned", "collections"}));
}

TEST_F(RemovalsTest, AListingThatNeverSettlesIsAnError) {
    Faults faults;
    faults.listed = [](const StorageCall&, std::vector<ObjectInfo>& found) {
        found.push_back({ObjectName("condemned/ghost"), 1, {}});
    };
    try {
        static_cast<void>(read_through(faults));
        FAIL() << "it settled";
    } catch (const RepositoryError& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::repository);
        EXPECT_FALSE(error.hint().empty());
    }
}

/// A marker that cannot be read may name any pack: a backup goes on and refers to none of them.
TEST_F(RemovalsTest, WhatCannotBeReadMakesWritersReuseNothing) {
    const SnapshotId earlier = place_.commit(1, "a chunk");
    place_.condemn({kPack});
    place_.disk.damage(marker(), [](Bytes& object) { object.back() ^= 1U; });
    EXPECT_THROW(static_cast<void>(read()), CorruptionError);
    const auto manifest = place_.repository->manifest(earlier, {});
    const ChunkCopyPtr stored = manifest->streams.at(0).lists.at(0).segments.at(0).chunks.at(0);
    const auto run = place_.writer();
    EXPECT_FALSE(run->provides(stored));
    EXPECT_FALSE(run->find(stored->id, HeldAs::whole_or_delta));
    const ChunkCopyPtr again = place_.add(*run, "a chunk");
    EXPECT_NE(again->pack, stored->pack);
    run->flush();
    EXPECT_TRUE(run->provides(again)) << "what this run stored no marker can name";
    EXPECT_EQ(run->find(stored->id, HeldAs::whole_or_delta), again);
    Manifest next = RepositoryPlace::manifest(2, {again});
    EXPECT_NO_THROW(run->commit(next));
}

TEST_F(RemovalsTest, AnOutcomeThatCannotBeReadIsDamage) {
    const ObjectName outcome = place_.remove({{kPack}, {}, {}, {}});
    place_.disk.damage(outcome, [](Bytes& object) { object[60] ^= 1U; });
    EXPECT_THROW(static_cast<void>(read()), CorruptionError);
}

TEST_F(RemovalsTest, ARecordOfAnotherKindIsNotTakenForAMarker) {
    const ObjectName name("condemned/" + new_run_id());
    place_.disk.put(name, encode_collection(place_.repository->keys(), name, {}), {});
    EXPECT_THROW(static_cast<void>(read()), CorruptionError);
    place_.disk.remove(name, {});
    place_.disk.put(name, encode_tombstone(place_.repository->keys(), name, "x", "y"), {});
    EXPECT_THROW(static_cast<void>(read()), CorruptionError) << "a marker has no tombstone";
}

TEST_F(RemovalsTest, WhatCannotBeReadIsToldToReadersWhoGoOn) {
    place_.remove({{kOther}, {}, {}, {}});
    place_.condemn({kPack});
    const std::string damaged_name = marker().text();
    place_.disk.damage(marker(), [](Bytes& object) { object.back() ^= 1U; });
    std::vector<std::string> told;
    const Removals removals = read_removals(
        place_.repository->storage(), place_.repository->keys(), {},
        [&](const ObjectName& name, const CorruptionError&) { told.push_back(name.text()); });
    EXPECT_EQ(removals.packs, std::set<PackName>{kOther});
    EXPECT_EQ(told, std::vector<std::string>{damaged_name});
}

}  // namespace
}  // namespace dbbackup
