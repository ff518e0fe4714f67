#include "repository/directory_record.hpp"

#include "base/error.hpp"
#include "repository/record_conversion.hpp"
#include "sample_keys.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace dbbackup {
namespace {

/// A directory of one delta, as it is written.
records::PackDirectory good_directory() {
    records::PackDirectory record;
    records::DirectoryEntry& entry = *record.add_entries();
    entry.set_id(std::string(32, 'i'));
    entry.set_sealed_bytes(50);
    entry.set_plain_bytes(1000);
    entry.set_codec(3);
    entry.add_base_ids(std::string(32, 'b'));
    entry.set_depth(6);
    entry.set_generation(77);
    return record;
}

TEST(DirectoryRecord, GivesBackAnIndex) {
    IndexedPack pack{sample_name<PackName>(1), sample_name<PackName>(2).bytes, 4711, {}};
    pack.entries.push_back({{sample_name<ChunkId>(3), 10, Codec::stored, 0, 0, {}}, 40, 42, 0});
    pack.entries.push_back(
        {{sample_name<ChunkId>(4), 20, Codec::zstd_delta, 1, 9, {sample_name<ChunkId>(3)}},
         82,
         33,
         1});
    const std::vector<IndexedPack> read = decode_index(as_bytes(encode_index({pack, pack})));
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[1].name, pack.name);
    EXPECT_EQ(read[1].salt, pack.salt);
    EXPECT_EQ(read[1].bytes, 4711U);
    ASSERT_EQ(read[1].entries.size(), 2U);
    const PackEntry& entry = read[1].entries[1];
    EXPECT_EQ(entry.form.id, pack.entries[1].form.id);
    EXPECT_EQ(entry.form.base_ids, pack.entries[1].form.base_ids);
    EXPECT_EQ(entry.form.depth, 1);
    EXPECT_EQ(entry.form.generation, 9U);
    EXPECT_EQ(entry.offset_bytes, 82U) << "offsets follow from the lengths before";
    EXPECT_EQ(entry.ordinal, 1U);
}

TEST(DirectoryRecord, RefusesImpossibleEntries) {
    using Change = std::function<void(records::DirectoryEntry&)>;
    const std::vector<std::pair<const char*, Change>> changes = {
        {"id too short", [](auto& entry) { entry.set_id("short"); }},
        {"no id", [](auto& entry) { entry.clear_id(); }},
        {"base id too long", [](auto& entry) { entry.add_base_ids(std::string(33, 'b')); }},
        {"unknown codec", [](auto& entry) { entry.set_codec(99); }},
        {"too large", [](auto& entry) { entry.set_plain_bytes(kChunkPlainBytesMax + 1); }},
        {"too deep", [](auto& entry) { entry.set_depth(kDepthMax + 1); }},
        {"bases without depth", [](auto& entry) { entry.set_depth(0); }},
        {"depth without bases", [](auto& entry) { entry.clear_base_ids(); }},
        {"too many bases", [](auto& entry) {
             for (int base = 0; base < 3; ++base) {
                 entry.add_base_ids(std::string(32, 'b'));
             }
         }}};
    EXPECT_EQ(decode_directory(as_bytes(serialize(good_directory()))).size(), 1U);
    for (const auto& [what, change] : changes) {
        records::PackDirectory record = good_directory();
        change(*record.mutable_entries(0));
        EXPECT_THROW(static_cast<void>(decode_directory(as_bytes(serialize(record)))),
                     CorruptionError)
            << what;
    }
}

TEST(DirectoryRecord, RefusesWhatIsNoRecord) {
    EXPECT_THROW(static_cast<void>(decode_directory(as_bytes("\xff\xff\xff"))), CorruptionError);
    EXPECT_THROW(static_cast<void>(decode_index(as_bytes("\xff\xff\xff"))), CorruptionError);
}

TEST(DirectoryRecord, RefusesAnIndexWithNamesOfAnotherLength) {
    records::Index record;
    record.add_packs()->set_name("short");
    EXPECT_THROW(static_cast<void>(decode_index(as_bytes(serialize(record)))), CorruptionError);
    record.mutable_packs(0)->set_name(std::string(32, 'n'));
    EXPECT_THROW(static_cast<void>(decode_index(as_bytes(serialize(record)))), CorruptionError)
        << "a pack without a salt cannot be read";
}

}  // namespace
}  // namespace dbbackup
