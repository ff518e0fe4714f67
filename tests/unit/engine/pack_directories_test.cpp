#include "engine/pack_directories.hpp"

#include "engine/name_table.hpp"
#include "support/sample_data.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace dbbackup {
namespace {

template <class Name>
Name name_of(const Bytes& bytes) {
    Name name;
    std::copy_n(bytes.begin(), name.bytes.size(), name.bytes.begin());
    return name;
}

class DirectoryTableTest : public testing::Test {
protected:
    TemporaryFolder folder_;
    Log log_;
    ScratchSpace scratch_{{folder_.path()}, log_, 0};
};

TEST_F(DirectoryTableTest, NamesHaveNumbersInTheOrderInWhichTheyCome) {
    std::vector<ChunkId> first;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        first.push_back(name_of<ChunkId>(noise(seed, 32)));
    }
    std::sort(first.begin(), first.end());
    NameTable<ChunkId> table(scratch_, first);
    std::map<ChunkId, std::uint32_t> expected;
    for (const ChunkId& id : first) {
        expected.emplace(id, static_cast<std::uint32_t>(expected.size()));
    }
    for (std::uint64_t seed = 100; seed < 1000; ++seed) {
        Bytes bytes = noise(seed, 32);
        if (seed % 3 == 0) {  // Many that differ in their last bytes only: one slot for all.
            std::fill_n(bytes.begin(), 28, 0xff);
        }
        const auto id = name_of<ChunkId>(bytes);
        EXPECT_EQ(table.find(id).has_value(), expected.contains(id));
        const auto number = expected.emplace(id, static_cast<std::uint32_t>(expected.size()));
        EXPECT_EQ(table.add(id), number.first->second);
    }
    EXPECT_EQ(table.size(), expected.size());
    for (const auto& [id, number] : expected) {
        EXPECT_EQ(table.find(id), number);
        EXPECT_EQ(table[number], id);
    }
}

IndexedPack sample_pack(std::uint64_t seed, std::size_t entries) {
    IndexedPack pack;
    pack.name = name_of<PackName>(noise(seed, 32));
    pack.salt = name_of<PackName>(noise(seed + 1, 32)).bytes;
    pack.bytes = 1000 + seed;
    std::uint64_t offset = kPackHeaderBytes;
    for (std::uint32_t ordinal = 0; ordinal < entries; ++ordinal) {
        PackEntry entry;
        entry.form = {name_of<ChunkId>(noise(seed + 2 + ordinal, 32)),
                      70 + ordinal,
                      Codec::zstd,
                      0,
                      ordinal,
                      {}};
        for (std::uint32_t base = 0; base < ordinal % 4; ++base) {
            entry.form.base_ids.push_back(name_of<ChunkId>(noise(seed + 500 + base, 32)));
            entry.form.depth = 3;
        }
        entry.offset_bytes = offset;
        entry.sealed_bytes = 50 + ordinal;
        entry.ordinal = ordinal;
        offset += entry.sealed_bytes;
        pack.entries.push_back(entry);
    }
    return pack;
}

TEST_F(DirectoryTableTest, DirectoriesComeBackAsTheyWere) {
    PackDirectories directories(scratch_);
    std::vector<IndexedPack> packs;
    for (std::uint64_t seed = 1; seed < 30; ++seed) {
        packs.push_back(sample_pack(1000 * seed, seed - 1));
    }
    const KnownIndex index = directories.add(IndexObject{ObjectName("indexes/aa"), packs});
    EXPECT_EQ(index.name, "indexes/aa");
    EXPECT_EQ(index.entry_count, entry_count(packs));
    ASSERT_EQ(directories.packs(index).size(), packs.size());
    for (std::uint32_t place = 0; place < packs.size(); ++place) {
        const IndexedPack& pack = packs[place];
        const std::uint32_t number = directories.packs(index)[place];
        EXPECT_EQ(directories.find(pack.name), number);
        EXPECT_EQ(directories.add(pack), number) << "it is known already";
        const IndexedPack back = directories.indexed(number);
        EXPECT_EQ(back.name, pack.name);
        EXPECT_EQ(back.salt, pack.salt);
        EXPECT_EQ(back.bytes, pack.bytes);
        EXPECT_EQ(encode_directory(back.entries), encode_directory(pack.entries));
        std::uint64_t bytes = 0;
        for (std::size_t entry = 0; entry < pack.entries.size(); ++entry) {
            EXPECT_EQ(back.entries[entry].offset_bytes, pack.entries[entry].offset_bytes);
            EXPECT_EQ(back.entries[entry].ordinal, entry);
            bytes += pack.entries[entry].sealed_bytes;
        }
        EXPECT_EQ(directories.chunk_bytes(number), bytes);
    }
    EXPECT_EQ(directories.size(), packs.size());
    EXPECT_EQ(scratch_.memory_bytes(), 0U);
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace dbbackup
