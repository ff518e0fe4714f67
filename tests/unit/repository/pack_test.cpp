#include "repository/pack.hpp"

#include "base/error.hpp"
#include "sample_keys.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

class PackTest : public testing::TestWithParam<Cipher> {
protected:
    PackTest() {
        PackBuilder builder(keys_);
        ChunkForm whole{sample_name<ChunkId>(1), 100, Codec::zstd, 0, 0, {}};
        ChunkForm delta{sample_name<ChunkId>(2),
                        200,
                        Codec::zstd_delta,
                        2,
                        5,
                        {sample_name<ChunkId>(1), sample_name<ChunkId>(9)}};
        builder.add(whole, as_bytes("the first chunk"));
        builder.add(delta, as_bytes("the second"));
        salt_ = builder.salt();
        entries_ = builder.entries();
        content_ = builder.finish();
        name_ = PackName{sha256(content_)};
    }

    [[nodiscard]] Bytes unseal(const ChunkForm& form, std::uint32_t ordinal) const {
        const PackEntry& entry = entries_.at(ordinal);
        return unseal_chunk(
            keys_, PackKey(keys_, salt_), form, ordinal,
            copy_of(BytesView(content_).subspan(entry.offset_bytes, entry.sealed_bytes)));
    }

    const Keys keys_ = sample_keys(GetParam());
    Digest salt_{};
    std::vector<PackEntry> entries_;
    Bytes content_;
    PackName name_;
};

INSTANTIATE_TEST_SUITE_P(Ciphers, PackTest, testing::Values(Cipher::none, Cipher::aes_256_gcm),
                         [](const auto& kind) {
                             return kind.param == Cipher::none ? "Unencrypted" : "Encrypted";
                         });

TEST_P(PackTest, GivesBackItsChunks) {
    EXPECT_EQ(as_text(unseal(entries_[0].form, 0)), "the first chunk");
    EXPECT_EQ(as_text(unseal(entries_[1].form, 1)), "the second");
}

TEST_P(PackTest, CarriesItsOwnDirectory) {
    const std::vector<PackEntry> read = read_pack_directory(keys_, name_, content_);
    ASSERT_EQ(read.size(), 2U);
    for (std::size_t index = 0; index < 2; ++index) {
        EXPECT_EQ(read[index].form.id, entries_[index].form.id);
        EXPECT_EQ(read[index].form.plain_bytes, entries_[index].form.plain_bytes);
        EXPECT_EQ(read[index].form.codec, entries_[index].form.codec);
        EXPECT_EQ(read[index].form.depth, entries_[index].form.depth);
        EXPECT_EQ(read[index].form.generation, entries_[index].form.generation);
        EXPECT_EQ(read[index].form.base_ids, entries_[index].form.base_ids);
        EXPECT_EQ(read[index].offset_bytes, entries_[index].offset_bytes);
        EXPECT_EQ(read[index].sealed_bytes, entries_[index].sealed_bytes);
        EXPECT_EQ(read[index].ordinal, index);
    }
    EXPECT_EQ(read_pack_salt(keys_, name_, content_), salt_);
}

TEST_P(PackTest, BindsAChunkToEverythingThatItIs) {
    const auto refused = [this](const auto& change) {
        ChunkForm form = entries_[1].form;
        change(form);
        EXPECT_THROW(static_cast<void>(unseal(form, 1)), CorruptionError);
    };
    refused([](ChunkForm& form) { form.id = sample_name<ChunkId>(3); });
    refused([](ChunkForm& form) { form.plain_bytes = 201; });
    refused([](ChunkForm& form) { form.codec = Codec::zstd; });
    refused([](ChunkForm& form) { form.base_ids.pop_back(); });
    refused([](ChunkForm& form) { std::swap(form.base_ids[0], form.base_ids[1]); });
    refused([](ChunkForm& form) { form.base_ids.push_back(sample_name<ChunkId>(4)); });
}

TEST_P(PackTest, BindsAChunkToItsPlaceAndRepository) {
    const PackEntry& entry = entries_[0];
    const BytesView sealed = BytesView(content_).subspan(entry.offset_bytes, entry.sealed_bytes);
    EXPECT_THROW(static_cast<void>(
                     unseal_chunk(keys_, PackKey(keys_, salt_), entry.form, 1, copy_of(sealed))),
                 CorruptionError);
    Digest other_salt = salt_;
    other_salt[0] ^= 1U;
    EXPECT_THROW(static_cast<void>(unseal_chunk(keys_, PackKey(keys_, other_salt), entry.form, 0,
                                                copy_of(sealed))),
                 CorruptionError);
    const Keys other_keys = sample_keys(GetParam(), '2');
    EXPECT_THROW(static_cast<void>(unseal_chunk(other_keys, PackKey(other_keys, salt_), entry.form,
                                                0, copy_of(sealed))),
                 CorruptionError);
}

TEST_P(PackTest, FindsAChangeOfEveryByte) {
    for (std::size_t at = 0; at < content_.size(); ++at) {
        Bytes bad = content_;
        bad[at] ^= 0x10U;
        bool is_found = false;
        try {
            const std::vector<PackEntry> entries = read_pack_directory(keys_, name_, bad);
            const PackKey key(keys_, read_pack_salt(keys_, name_, bad));
            for (const PackEntry& entry : entries) {
                static_cast<void>(unseal_chunk(
                    keys_, key, entry.form, entry.ordinal,
                    copy_of(BytesView(bad).subspan(entry.offset_bytes, entry.sealed_bytes))));
            }
        } catch (const CorruptionError&) {
            is_found = true;
        }
        EXPECT_TRUE(is_found) << "byte " << at << " of " << content_.size();
    }
}

TEST_P(PackTest, FindsEveryTruncation) {
    for (std::size_t size = 0; size < content_.size(); ++size) {
        EXPECT_THROW(
            static_cast<void>(read_pack_directory(keys_, name_, BytesView(content_).first(size))),
            CorruptionError)
            << "cut to " << size;
    }
}

TEST_P(PackTest, RefusesADirectoryThatLeavesBytesOut) {
    Bytes longer = content_;
    longer.insert(longer.begin() + kPackHeaderBytes, 7, 0);
    EXPECT_THROW(static_cast<void>(read_pack_directory(keys_, name_, longer)), CorruptionError);
}

TEST_P(PackTest, HasNoRoomForMoreChunksThanADirectoryMayName) {
    PackBuilder builder(keys_);
    const ChunkForm form{sample_name<ChunkId>(1), 0, Codec::stored, 0, 0, {}};
    while (builder.has_room(form, 0)) {
        builder.add(form, {});
    }
    EXPECT_EQ(builder.entries().size(), kPackEntriesMax);
}

TEST_P(PackTest, MayBeEmpty) {
    const Bytes empty = PackBuilder(keys_).finish();
    EXPECT_TRUE(read_pack_directory(keys_, PackName{sha256(empty)}, empty).empty());
}

TEST(PackNames, AreThoseOfObjects) {
    const auto pack = sample_name<PackName>(0xab);
    const ObjectName name = pack_object_name(pack);
    EXPECT_EQ(name.text(), "packs/ab/" + pack.text());
    EXPECT_EQ(pack_name_of(name), pack);
    EXPECT_EQ(pack_name_of(ObjectName("packs/ac/" + pack.text())), std::nullopt);
    EXPECT_EQ(pack_name_of(ObjectName("packs/ab/abab")), std::nullopt);
    EXPECT_EQ(pack_name_of(ObjectName("other/ab/" + pack.text())), std::nullopt);
    EXPECT_EQ(pack_name_of(ObjectName("config")), std::nullopt);
}

}  // namespace
}  // namespace dbbackup
