#include "repository/chunk_list.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"
#include "repository/record_conversion.hpp"
#include "sample_keys.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace dbbackup {
namespace {

std::shared_ptr<PackIdentity> sample_pack(std::uint8_t number) {
    auto pack = std::make_shared<PackIdentity>();
    pack->name = sample_name<PackName>(number);
    pack->salt.fill(static_cast<std::uint8_t>(number + 100));
    pack->is_stored = true;
    return pack;
}

ChunkCopyPtr sample_copy(std::uint8_t number, std::shared_ptr<const PackIdentity> pack,
                         std::vector<ChunkCopyPtr> bases = {}) {
    auto copy = std::make_shared<ChunkCopy>();
    copy->id = sample_name<ChunkId>(number);
    copy->pack = std::move(pack);
    copy->offset_bytes = number * 1000U;
    copy->sealed_bytes = 70;
    copy->plain_bytes = 100;
    copy->ordinal = number;
    copy->codec = bases.empty() ? Codec::zstd : Codec::zstd_delta;
    for (const ChunkCopyPtr& base : bases) {
        copy->depth =
            std::max<std::uint8_t>(copy->depth, static_cast<std::uint8_t>(base->depth + 1));
    }
    copy->generation = number * 3U;
    copy->bases = std::move(bases);
    return copy;
}

StoredSegment segment_of(std::vector<ChunkCopyPtr> chunks) {
    StoredSegment segment;
    segment.range = {10, 20, "lower", "upper"};
    segment.bytes = 100 * chunks.size();
    segment.rows = 5;
    segment.fingerprint = {1, 2};
    segment.read_sequence = 7;
    segment.chunks = std::move(chunks);
    return segment;
}

void expect_same(const ChunkCopy& read, const ChunkCopy& written) {
    EXPECT_EQ(read.id, written.id);
    EXPECT_EQ(read.pack->name, written.pack->name);
    EXPECT_EQ(read.pack->salt, written.pack->salt);
    EXPECT_TRUE(read.pack->is_stored);
    EXPECT_EQ(read.offset_bytes, written.offset_bytes);
    EXPECT_EQ(read.sealed_bytes, written.sealed_bytes);
    EXPECT_EQ(read.plain_bytes, written.plain_bytes);
    EXPECT_EQ(read.ordinal, written.ordinal);
    EXPECT_EQ(read.codec, written.codec);
    EXPECT_EQ(read.depth, written.depth);
    EXPECT_EQ(read.generation, written.generation);
    ASSERT_EQ(read.bases.size(), written.bases.size());
    for (std::size_t index = 0; index < read.bases.size(); ++index) {
        expect_same(*read.bases[index], *written.bases[index]);
    }
}

TEST(ChunkList, GivesBackSegmentsWithTheClosureOfTheirChunks) {
    const ChunkCopyPtr root = sample_copy(1, sample_pack(1));
    const ChunkCopyPtr middle = sample_copy(2, sample_pack(2), {root});
    const ChunkCopyPtr top = sample_copy(3, sample_pack(2), {middle, root});
    const std::vector<StoredSegment> written = {segment_of({top, root, top}), segment_of({})};
    const std::vector<StoredSegment> read = decode_chunk_list(as_bytes(encode_chunk_list(written)));
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].range, written[0].range);
    EXPECT_EQ(read[0].bytes, 300U);
    EXPECT_EQ(read[0].rows, 5U);
    EXPECT_EQ(read[0].fingerprint, written[0].fingerprint);
    EXPECT_EQ(read[0].read_sequence, 7U);
    ASSERT_EQ(read[0].chunks.size(), 3U);
    for (std::size_t index = 0; index < 3; ++index) {
        expect_same(*read[0].chunks[index], *written[0].chunks[index]);
    }
    EXPECT_TRUE(read[1].chunks.empty());
}

TEST(ChunkList, EqualListsAreEqualBytes) {
    const ChunkCopyPtr root = sample_copy(1, sample_pack(1));
    const std::vector<StoredSegment> segments = {
        segment_of({sample_copy(2, sample_pack(2), {root})})};
    const std::string once = encode_chunk_list(segments);
    EXPECT_EQ(encode_chunk_list(decode_chunk_list(as_bytes(once))), once);
}

TEST(ChunkList, VisitsBasesBeforeWhatNeedsThemAndEachOnce) {
    const ChunkCopyPtr root = sample_copy(1, sample_pack(1));
    const ChunkCopyPtr left = sample_copy(2, sample_pack(1), {root});
    const ChunkCopyPtr right = sample_copy(3, sample_pack(1), {root});
    const ChunkCopyPtr top = sample_copy(4, sample_pack(1), {left, right});
    std::vector<std::uint32_t> visited;
    visit_closure(top, [&](const ChunkCopy& copy) { visited.push_back(copy.ordinal); });
    EXPECT_EQ(visited, (std::vector<std::uint32_t>{1, 2, 3, 4}));
    EXPECT_EQ(closure_size(segment_of({top, left})), 6U);
}

TEST(ChunkList, IsFullyStoredOnceEveryPackHasItsName) {
    const auto pack = sample_pack(1);
    const auto unfinished = sample_pack(2);
    unfinished->is_stored = false;
    const std::vector<StoredSegment> segments = {segment_of({sample_copy(1, pack)}),
                                                 segment_of({sample_copy(2, unfinished)})};
    EXPECT_FALSE(is_fully_stored(segments));
    unfinished->is_stored = true;
    EXPECT_TRUE(is_fully_stored(segments));
    EXPECT_TRUE(is_fully_stored({}));
}

/// One segment of a delta on a whole chunk, as it is written.
records::ChunkList good_list() {
    const ChunkCopyPtr root = sample_copy(1, sample_pack(1));
    return parse_record<records::ChunkList>(
        as_bytes(encode_chunk_list({segment_of({sample_copy(2, sample_pack(2), {root})})})));
}

TEST(ChunkList, RefusesImpossibleEntries) {
    using Change = std::function<void(records::ChunkList&)>;
    const std::vector<std::pair<const char*, Change>> changes = {
        {"pack that is not there", [](auto& list) { list.mutable_copies(1)->set_pack(2); }},
        {"chunk that is not there", [](auto& list) { list.mutable_segments(0)->set_chunks(0, 2); }},
        {"itself as a base", [](auto& list) { list.mutable_copies(1)->set_bases(0, 1); }},
        {"later copy as a base", [](auto& list) { list.mutable_copies(0)->add_bases(1); }},
        {"base as deep as its delta", [](auto& list) { list.mutable_copies(1)->set_depth(0); }},
        {"depth without bases", [](auto& list) { list.mutable_copies(0)->set_depth(1); }},
        {"depth of 256", [](auto& list) { list.mutable_copies(1)->set_depth(256); }},
        {"too deep", [](auto& list) { list.mutable_copies(1)->set_depth(kDepthMax + 1); }},
        {"too large",
         [](auto& list) {
             list.mutable_copies(1)->set_plain_bytes(kChunkPlainBytesMax + 1);
             list.mutable_segments(0)->set_bytes(kChunkPlainBytesMax + 1);
         }},
        {"four bases",
         [](auto& list) {
             for (int base = 0; base < 3; ++base) {
                 list.mutable_copies(1)->add_bases(0);
             }
         }},
        {"unknown codec", [](auto& list) { list.mutable_copies(0)->set_codec(50); }},
        {"name too short", [](auto& list) { list.mutable_packs(0)->set_name("x"); }},
        {"no salt", [](auto& list) { list.mutable_packs(0)->clear_salt(); }},
        {"sizes that do not add up", [](auto& list) { list.mutable_segments(0)->set_bytes(99); }}};
    EXPECT_EQ(decode_chunk_list(as_bytes(serialize(good_list()))).size(), 1U);
    for (const auto& [what, change] : changes) {
        records::ChunkList list = good_list();
        change(list);
        EXPECT_THROW(static_cast<void>(decode_chunk_list(as_bytes(serialize(list)))),
                     CorruptionError)
            << what;
    }
    EXPECT_THROW(static_cast<void>(decode_chunk_list(as_bytes("\xff\xff"))), CorruptionError);
}

}  // namespace
}  // namespace dbbackup
