/// @file
/// The delta codec: its payload as documented, its cost, and hostile payloads.

#include "base/error.hpp"
#include "base/units.hpp"
#include "compress/compressor.hpp"
#include "conformance/compressor_cases.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;
constexpr CompressHints kPages{.aligned_unit_bytes = kPage};

Bytes delta(const Bytes& content, const Bytes& base, const CompressHints& hints = kPages) {
    const BytesView view = base;
    return make_compressor(Codec::zstd_delta, 0)
        ->compress(content, {&view, 1}, hints, 2 * content.size() + 100)
        .value();
}

Bytes undo(const Bytes& packed, const Bytes& base, std::size_t content_bytes) {
    const BytesView view = base;
    return make_compressor(Codec::zstd_delta, 0)->decompress(packed, {&view, 1}, content_bytes);
}

TEST(ZstdDelta, OfEqualPagesIsAFewBytes) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes base = noise(2_MiB, random);
    // units, 128 bytes each, 16384 kept
    EXPECT_EQ(delta(base, base), (Bytes{2, 0x80, 0x01, 0x80, 0x80, 0x01}));
}

TEST(ZstdDelta, CostsWhatChanged) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes base = noise(2_MiB, random);
    const Bytes content = changed(base, 100, random);
    const Bytes packed = delta(content, base);
    EXPECT_LT(packed.size(), 100U * 16U);
    EXPECT_EQ(undo(packed, base, content.size()), content);
}

TEST(ZstdDelta, FindsRowsThatMoved) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes base = noise(200'000, random);
    Bytes content = noise(100, random);
    content.insert(content.end(), base.begin(), base.end());
    for (const CompressHints& hints : {CompressHints{}, kPages}) {
        const Bytes packed = delta(content, base, hints);
        EXPECT_LT(packed.size(), 500U);
        EXPECT_EQ(undo(packed, base, content.size()), content);
    }
}

TEST(ZstdDelta, ReachesTheFirstOfThreeLargeBases) {
    std::mt19937_64 random(kCompressSeed);
    std::vector<Bytes> bases;
    for (int count = 0; count < 3; ++count) {
        bases.push_back(noise(4_MiB, random));
    }
    const std::vector<BytesView> views(bases.begin(), bases.end());
    const auto codec = make_compressor(Codec::zstd_delta, 0);
    for (const Bytes& content : bases) {
        const Bytes packed = codec->compress(content, views, {}, content.size()).value();
        EXPECT_LT(packed.size(), 10'000U);
        EXPECT_EQ(codec->decompress(packed, views, content.size()), content);
    }
}

TEST(ZstdDelta, OfPagesWithAnyEndComesBack) {
    std::mt19937_64 random(kCompressSeed);
    for (const std::size_t base_bytes : {0U, 1U, 1024U, 5000U, 3U * kPage, 20'000U}) {
        for (const std::size_t content_bytes : {0U, 1U, 1023U, 1024U, 1025U, 8192U, 17'001U}) {
            SCOPED_TRACE(testing::Message() << base_bytes << " -> " << content_bytes);
            const Bytes base = rows(base_bytes, random);
            Bytes content = base;
            content.resize(content_bytes, 'x');
            EXPECT_EQ(undo(delta(content, base), base, content_bytes), content);
            content = changed(content, 3, random);
            EXPECT_EQ(undo(delta(content, base), base, content_bytes), content);
        }
    }
}

TEST(ZstdDelta, TakesUnitsOfAnySize) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes base = rows(30'000, random);
    const Bytes content = changed(base, 4, random);
    for (const std::uint32_t unit : {1U, 3U, 512U, 1000U, 1025U, 8192U, 65'536U, 4'000'000'000U}) {
        const Bytes packed = delta(content, base, {.aligned_unit_bytes = unit});
        EXPECT_EQ(undo(packed, base, content.size()), content) << unit;
    }
}

/// Bytes that look like a zstd dictionary (RFC 8878, section 6) are bytes of a base like any
/// others.
TEST(ZstdDelta, ABaseThatLooksLikeADictionaryIsTakenAsItIs) {
    std::mt19937_64 random(kCompressSeed);
    Bytes base = rows(9000, random);
    const Bytes magic = {0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0};
    std::copy(magic.begin(), magic.end(), base.begin());
    Bytes content = base;
    content.at(10) ^= 1U;  // In the first unit, so that the prefix begins with the magic number.
    for (const CompressHints& hints : {CompressHints{}, kPages}) {
        EXPECT_EQ(undo(delta(content, base, hints), base, content.size()), content);
    }
}

/// A chain of deltas applied in one buffer gives what applying each to a fresh one gives.
TEST(ZstdDelta, AChainIsAppliedInOneBuffer) {
    std::mt19937_64 random(kCompressSeed);
    for (const CompressHints& hints : {CompressHints{}, kPages}) {
        Bytes content = rows(300'000, random);
        Bytes buffer = content;
        const auto codec = make_compressor(Codec::zstd_delta, 0);
        for (const std::size_t bytes : {300'000U, 290'001U, 8192U, 305'000U, 0U, 70'000U}) {
            const Bytes base = content;
            content.resize(bytes, 'y');
            content = changed(content, bytes == 0 ? 0 : 5, random);
            const Bytes packed = delta(content, base, hints);
            EXPECT_EQ(undo(packed, base, content.size()), content);
            codec->decompress_over(packed, buffer, content.size());
            EXPECT_EQ(buffer, content) << bytes;
        }
    }
}

TEST(ZstdDelta, RefusesHostileRuns) {
    const Bytes base(4096, 'b');
    // Of 4096 bytes in units of 1024:
    const std::vector<Bytes> payloads = {
        {},                                          // nothing at all
        {0},                                         // a form that is none
        {3, 4},                                      //
        {2},                                         // no unit
        {2, 0, 4},                                   // units of no bytes
        {2, 0x80, 0x08},                             // no runs
        {2, 0x80, 0x08, 3},                          // runs too short
        {2, 0x80, 0x08, 5},                          // runs too long
        {2, 0x80, 0x08, 2, 0, 2},                    // an empty run
        {2, 0x80, 0x08, 0, 4},                       // changes without a frame
        {2, 0x80, 0x08, 4, 0},                       // bytes after the last run
        {2, 0x80, 0x88, 0x80, 0x80, 0x80, 0x00, 4},  // a number of six bytes
        {2, 0xff, 0xff, 0xff, 0xff, 0x7f, 2},        // one huge unit, but two of it
        {2, 1, 0xff, 0xff, 0xff, 0xff, 0x7f},        // 2^35 - 1 units kept
    };
    for (const Bytes& payload : payloads) {
        EXPECT_THROW(static_cast<void>(undo(payload, base, 4096)), CorruptionError)
            << to_hex(payload);
    }
    EXPECT_EQ(undo({2, 0x80, 0x08, 4}, base, 4096), base);
    EXPECT_EQ(undo({2, 0xff, 0xff, 0xff, 0xff, 0x7f, 1}, base, 4096), base);
    // Kept units that the base does not have.
    EXPECT_THROW(static_cast<void>(undo({2, 0x80, 0x08, 4}, Bytes(4095), 4096)), CorruptionError);
}

TEST(ZstdDelta, RefusesAnotherNumberOfBases) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes base = rows(9000, random);
    const Bytes packed = delta(changed(base, 2, random), base);
    const auto codec = make_compressor(Codec::zstd_delta, 0);
    const std::vector<BytesView> two = {base, base};
    EXPECT_THROW(static_cast<void>(codec->decompress(packed, {}, 9000)), CorruptionError);
    EXPECT_THROW(static_cast<void>(codec->decompress(packed, two, 9000)), CorruptionError);
    const std::vector<BytesView> four(4, base);
    EXPECT_THROW(static_cast<void>(codec->compress(base, four, {}, 9000)), Error);
}

}  // namespace
}  // namespace dbbackup
