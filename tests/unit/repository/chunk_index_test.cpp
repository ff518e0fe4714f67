#include "repository/chunk_index.hpp"

#include "base/error.hpp"
#include "repository/record.hpp"
#include "repository_place.hpp"
#include "sample_keys.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace dbbackup {
namespace {

PackEntry entry_of(std::uint8_t id, std::uint8_t depth = 0, std::vector<std::uint8_t> bases = {}) {
    PackEntry entry;
    entry.form.id = sample_name<ChunkId>(id);
    entry.form.depth = depth;
    for (const std::uint8_t base : bases) {
        entry.form.base_ids.push_back(sample_name<ChunkId>(base));
    }
    return entry;
}

IndexedPack pack_of(std::uint8_t name, std::vector<PackEntry> entries) {
    return {sample_name<PackName>(name), {}, 0, std::move(entries)};
}

class ChunkIndexTest : public testing::Test {
protected:
    [[nodiscard]] ChunkCopyPtr find(std::uint8_t id,
                                    HeldAs held_as = HeldAs::whole_or_delta) const {
        return index_.find(sample_name<ChunkId>(id), held_as);
    }
    ChunkIndex index_;
    Removals removals_;
};

TEST_F(ChunkIndexTest, FindsAChunkWithItsWholeClosure) {
    index_.add(pack_of(1, {entry_of(1)}), removals_);
    index_.add(pack_of(2, {entry_of(2, 1, {1}), entry_of(3, 2, {2, 1})}), removals_);
    const ChunkCopyPtr found = find(3);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->bases.size(), 2U);
    EXPECT_EQ(found->bases[0]->id, sample_name<ChunkId>(2));
    EXPECT_EQ(found->bases[0]->bases.at(0)->pack->name, sample_name<PackName>(1));
    EXPECT_EQ(found->bases[1]->id, sample_name<ChunkId>(1));
    EXPECT_FALSE(find(9));
    EXPECT_EQ(index_.size(), 3U);
}

TEST_F(ChunkIndexTest, ADeltaWhoseBaseIsUnknownIsNotFound) {
    index_.add(pack_of(2, {entry_of(2, 1, {1})}), removals_);
    EXPECT_FALSE(find(2));
}

TEST_F(ChunkIndexTest, PacksThatProvideNothingAreLeftOut) {
    removals_.packs.insert(sample_name<PackName>(1));
    index_.add(pack_of(1, {entry_of(1)}), removals_);
    index_.add(pack_of(2, {entry_of(2, 1, {1})}), removals_);
    EXPECT_FALSE(find(1));
    EXPECT_FALSE(find(2)) << "its base lies in a pack that is going";
    index_.add(pack_of(3, {entry_of(1)}), removals_);
    EXPECT_TRUE(find(1));
    EXPECT_EQ(find(2)->bases.at(0)->pack->name, sample_name<PackName>(3));
}

TEST_F(ChunkIndexTest, TheShallowestOfSeveralCopiesIsFound) {
    index_.add(pack_of(1, {entry_of(1), entry_of(2, 1, {1})}), removals_);
    index_.add(pack_of(2, {entry_of(3, 2, {2}), entry_of(3, 1, {1})}), removals_);
    EXPECT_EQ(find(3)->depth, 1);
    EXPECT_FALSE(find(3, HeldAs::whole_only));
    index_.add(pack_of(3, {entry_of(3)}), removals_);
    EXPECT_EQ(find(3)->depth, 0);
    EXPECT_EQ(find(3, HeldAs::whole_only)->pack->name, sample_name<PackName>(3));
}

TEST_F(ChunkIndexTest, ADeeperCopyIsFoundWhenTheShallowOneHasNoBase) {
    index_.add(
        pack_of(1, {entry_of(1), entry_of(2, 1, {1}), entry_of(3, 1, {9}), entry_of(3, 2, {2})}),
        removals_);
    EXPECT_EQ(find(3)->depth, 2);
}

TEST_F(ChunkIndexTest, CopiesThatNameEachOtherAsBasesMakeNoCycle) {
    // Two writers stored 1 on 2 and 2 on 1; only where one of them is whole can either be read.
    index_.add(pack_of(1, {entry_of(1, 1, {2}), entry_of(2, 1, {1})}), removals_);
    EXPECT_FALSE(find(1));
    EXPECT_FALSE(find(2));
    index_.add(pack_of(2, {entry_of(1, 2, {2})}), removals_);
    EXPECT_FALSE(find(1));
    index_.add(pack_of(3, {entry_of(2)}), removals_);
    EXPECT_EQ(find(1)->bases.at(0)->depth, 0);
    index_.add(pack_of(4, {entry_of(5, 1, {5})}), removals_);
    EXPECT_FALSE(find(5)) << "a copy that names itself";
}

/// Two copies of each version, and the root gone: there are 2^40 ways to look for it.
TEST_F(ChunkIndexTest, ADeepTreeWithoutARootIsGivenUpAtOnce) {
    for (std::uint8_t pack = 1; pack <= 2; ++pack) {
        std::vector<PackEntry> versions;
        for (std::uint8_t depth = 1; depth <= 40; ++depth) {
            versions.push_back(entry_of(depth, depth, {static_cast<std::uint8_t>(depth - 1)}));
        }
        index_.add(pack_of(pack, versions), removals_);
    }
    EXPECT_FALSE(find(40));
    index_.add(pack_of(3, {entry_of(0)}), removals_);
    EXPECT_EQ(find(40)->depth, 40);
}

/// More than are kept in memory: the rest lies in a temporary database, and closures go across.
TEST_F(ChunkIndexTest, ManyChunksAreFoundToo) {
    const auto many = [](std::uint8_t kind, std::uint32_t count) {
        std::vector<PackEntry> entries(count);
        for (std::uint32_t number = 0; number < count; ++number) {
            Digest& id = entries[number].form.id.bytes;
            id.fill(kind);
            std::memcpy(id.data(), &number, sizeof number);
            entries[number].ordinal = number;
        }
        return entries;
    };
    index_.add(pack_of(1, many(200, 65'000)), removals_);
    index_.add(pack_of(2, many(201, 1'000)), removals_);
    PackEntry delta = entry_of(5, 1);
    delta.form.base_ids = {many(200, 7).back().form.id, many(201, 9).back().form.id};
    index_.add(pack_of(3, std::vector<PackEntry>(1, delta)), removals_);
    std::vector<PackEntry> deeper = many(202, 1000);
    deeper[3] = entry_of(6, 2, {5});
    index_.add(pack_of(4, deeper), removals_);
    EXPECT_EQ(index_.size(), 67'001U);
    const ChunkCopyPtr found = find(6);
    ASSERT_TRUE(found);
    const ChunkCopyPtr base = found->bases.at(0);
    EXPECT_EQ(base->bases.at(0)->pack->name, sample_name<PackName>(1));
    EXPECT_EQ(base->bases.at(0)->ordinal, 6U);
    EXPECT_EQ(base->bases.at(1)->pack->name, sample_name<PackName>(2));
    EXPECT_EQ(base->bases.at(1)->ordinal, 8U);
    EXPECT_FALSE(find(7));
}

TEST(LoadChunkIndex, ReadsIndexObjectsAndInlineIndexesOfTheSource) {
    RepositoryPlace place;
    place.commit(1, "inline");
    {
        const auto abandoned = place.writer();
        place.add(*abandoned, "indexed");
        abandoned->flush();
    }
    const ChunkIndex own = load_chunk_index(*place.repository, kSampleSource, {}, {});
    EXPECT_EQ(own.size(), 2U);
    const ChunkIndex other = load_chunk_index(*place.repository, SourceId(16, 'b'), {}, {});
    EXPECT_EQ(other.size(), 1U);
}

TEST(LoadChunkIndex, LeavesRemovedAndDamagedIndexesOut) {
    RepositoryPlace place;
    for (const char* text : {"one", "two", "three"}) {
        const auto abandoned = place.writer();
        place.add(*abandoned, text);
        abandoned->flush();
    }
    const std::vector<std::string> names = place.names("indexes/");
    ASSERT_EQ(names.size(), 3U);
    place.disk.damage(ObjectName(names[0]), [](Bytes& object) { object.back() ^= 1U; });
    Removals removals;
    removals.indexes.insert(names[1]);
    EXPECT_EQ(load_chunk_index(*place.repository, kSampleSource, removals, {}).size(), 1U);
}

}  // namespace
}  // namespace dbbackup
