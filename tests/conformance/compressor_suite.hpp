#pragma once

/// @file
/// What every codec promises (compress/compressor.hpp), checked for whatever is given to it.
///
/// A codec is done when `INSTANTIATE_TEST_SUITE_P(Name, CompressorSuite,
/// Values(CodecUnderTest{…}))` passes in compressor_test.cpp. Inputs are seeded, so a failure
/// repeats exactly.

#include "base/error.hpp"
#include "compress/compressor.hpp"
#include "conformance/compressor_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace dbbackup {

/// One codec at one level, as the caller of make_compressor() names it.
struct CodecUnderTest {
    Codec codec = Codec::stored;
    int level = 0;
    std::size_t bases = 0;                 ///< How many bases each content gets.
    std::uint32_t aligned_unit_bytes = 0;  ///< The hint that goes with them.

    /// How GoogleTest and the names of tests show it.
    friend std::string name_of(const CodecUnderTest& given) {
        std::string name(codec_name(given.codec));
        std::ranges::replace(name, '-', '_');
        return name + "_" + std::to_string(given.level) + "_" + std::to_string(given.bases) +
               "bases" + (given.aligned_unit_bytes > 0 ? "_units" : "");
    }
};

class CompressorSuite : public testing::TestWithParam<CodecUnderTest> {
protected:
    [[nodiscard]] std::optional<Bytes> pack(const CompressCase& given, std::size_t bytes_max) {
        return codec_->compress(given.content, given.base_views(),
                                {.aligned_unit_bytes = GetParam().aligned_unit_bytes}, bytes_max);
    }
    [[nodiscard]] Bytes unpack(const CompressCase& given, BytesView packed) {
        return codec_->decompress(packed, given.base_views(), given.content.size());
    }
    /// Decodes what may be damaged: fine when it is refused or gives as many bytes as asked for.
    void expect_refused_or_sized(const CompressCase& given, BytesView packed) {
        try {
            EXPECT_EQ(unpack(given, packed).size(), given.content.size());
        } catch (const CorruptionError&) {
            SUCCEED();
        }
    }
    [[nodiscard]] std::vector<CompressCase> cases() const {
        return compress_cases(GetParam().bases);
    }
    /// A case whose payload is small enough to try everything on.
    [[nodiscard]] CompressCase small_case() const {
        std::mt19937_64 random(kCompressSeed);
        const Bytes content = rows(600, random);
        CompressCase small{"600 bytes of rows", content, {}};
        small.bases.assign(GetParam().bases, changed(content, 3, random));
        return small;
    }

    std::unique_ptr<Compressor> codec_ = make_compressor(GetParam().codec, GetParam().level);
};

TEST_P(CompressorSuite, SaysWhichCodecItIs) { EXPECT_EQ(codec_->codec(), GetParam().codec); }

TEST_P(CompressorSuite, GivesBackExactlyWhatItPacked) {
    for (const CompressCase& given : cases()) {
        SCOPED_TRACE(given.name);
        const std::optional<Bytes> packed = pack(given, 2 * given.content.size() + 1000);
        ASSERT_TRUE(packed.has_value());
        EXPECT_EQ(unpack(given, *packed), given.content);
    }
}

TEST_P(CompressorSuite, IsReadByAnotherInstance) {
    const std::unique_ptr<Compressor> reader = make_compressor(GetParam().codec, 0);
    for (const CompressCase& given : cases()) {
        SCOPED_TRACE(given.name);
        const std::optional<Bytes> packed = pack(given, 2 * given.content.size() + 1000);
        ASSERT_TRUE(packed.has_value());
        EXPECT_EQ(reader->decompress(*packed, given.base_views(), given.content.size()),
                  given.content);
    }
}

TEST_P(CompressorSuite, PacksTheSameBytesTheSameWay) {
    for (const CompressCase& given : cases()) {
        SCOPED_TRACE(given.name);
        const std::size_t bytes_max = 2 * given.content.size() + 1000;
        const std::optional<Bytes> first = pack(given, bytes_max);
        EXPECT_EQ(pack(given, bytes_max), first) << "an instance that was used before";
        const std::unique_ptr<Compressor> fresh =
            make_compressor(GetParam().codec, GetParam().level);
        EXPECT_EQ(fresh->compress(given.content, given.base_views(),
                                  {.aligned_unit_bytes = GetParam().aligned_unit_bytes}, bytes_max),
                  first);
    }
}

TEST_P(CompressorSuite, StaysWithinBytesMax) {
    for (const CompressCase& given : cases()) {
        SCOPED_TRACE(given.name);
        const std::optional<Bytes> packed = pack(given, 2 * given.content.size() + 1000);
        ASSERT_TRUE(packed.has_value());
        EXPECT_EQ(pack(given, packed->size()), packed);
        if (!packed->empty()) {
            EXPECT_FALSE(pack(given, packed->size() - 1).has_value());
            EXPECT_FALSE(pack(given, 0).has_value());
        }
        EXPECT_EQ(pack(given, packed->size()), packed) << "after refusing";
    }
}

TEST_P(CompressorSuite, RefusesAnotherSize) {
    for (const CompressCase& given : cases()) {
        SCOPED_TRACE(given.name);
        const std::optional<Bytes> packed = pack(given, 2 * given.content.size() + 1000);
        ASSERT_TRUE(packed.has_value());
        const std::size_t bytes = given.content.size();
        std::vector<std::size_t> others = {bytes + 1, bytes + 100'000};
        if (bytes > 0) {
            others.insert(others.end(), {bytes - 1, bytes / 2, 0});
        }
        for (const std::size_t other : others) {
            // Equal bytes of the base prove nothing about the size, so the delta of nothing can
            // be one of a few bytes more or less: then the size must be the one asked for.
            try {
                const Bytes content = codec_->decompress(*packed, given.base_views(), other);
                EXPECT_EQ(content.size(), other);
                EXPECT_EQ(GetParam().codec, Codec::zstd_delta) << other << " bytes";
            } catch (const CorruptionError&) {
                SUCCEED();
            }
        }
    }
}

TEST_P(CompressorSuite, SurvivesEveryTruncationAndEveryFlippedBit) {
    const CompressCase small = small_case();
    const std::optional<Bytes> packed = pack(small, 10'000);
    ASSERT_TRUE(packed.has_value());
    for (std::size_t bytes = 0; bytes < packed->size(); ++bytes) {
        EXPECT_THROW(static_cast<void>(unpack(small, BytesView(*packed).first(bytes))),
                     CorruptionError)
            << bytes << " bytes of " << packed->size();
    }
    for (std::size_t bit = 0; bit < packed->size() * 8; ++bit) {
        Bytes bad = *packed;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        expect_refused_or_sized(small, bad);
    }
    EXPECT_EQ(unpack(small, *packed), small.content) << "after all that damage";
}

TEST_P(CompressorSuite, SurvivesNoise) {
    std::mt19937_64 random(kCompressSeed);
    const CompressCase small = small_case();
    const std::optional<Bytes> packed = pack(small, 10'000);
    ASSERT_TRUE(packed.has_value());
    for (int round = 0; round < 2000; ++round) {
        expect_refused_or_sized(small, noise(random() % 700, random));
        expect_refused_or_sized(small, changed(*packed, 1 + random() % 8, random));
    }
}

TEST_P(CompressorSuite, RefusesBytesAfterTheEnd) {
    const CompressCase small = small_case();
    std::optional<Bytes> packed = pack(small, 10'000);
    ASSERT_TRUE(packed.has_value());
    packed->push_back(0);
    EXPECT_THROW(static_cast<void>(unpack(small, *packed)), CorruptionError);
    packed->insert(packed->end(), 40, 'x');
    EXPECT_THROW(static_cast<void>(unpack(small, *packed)), CorruptionError);
}

}  // namespace dbbackup
