/// @file
/// The zstd codec's frames, and that a much higher level means fewer bytes.

#include "base/error.hpp"
#include "base/units.hpp"
#include "compress/compressor.hpp"
#include "conformance/compressor_cases.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

namespace dbbackup {
namespace {

TEST(Zstd, WritesAFrameThatTheLibraryReads) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes content = rows(2_MiB, random);
    const Bytes packed = make_compressor(Codec::zstd, 0)->compress(content, {}, {}, 2_MiB).value();
    EXPECT_EQ(ZSTD_getFrameContentSize(packed.data(), packed.size()), ZSTD_CONTENTSIZE_UNKNOWN);
    Bytes out(content.size());
    EXPECT_EQ(ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size()), out.size());
    EXPECT_EQ(out, content);
}

TEST(Zstd, PacksSmallerAtMuchHigherLevels) {
    std::mt19937_64 random(kCompressSeed);
    const Bytes content = rows(300'000, random);
    std::size_t before = content.size();
    for (const int level : {1, 9, 19}) {
        const std::size_t bytes = make_compressor(Codec::zstd, level)
                                      ->compress(content, {}, {}, content.size())
                                      .value()
                                      .size();
        EXPECT_LT(bytes, before) << "level " << level;
        before = bytes;
    }
}

TEST(Zstd, RefusesWhatIsNotOneFrame) {
    std::mt19937_64 random(kCompressSeed);
    const auto codec = make_compressor(Codec::zstd, 0);
    const Bytes content = rows(1000, random);
    const Bytes packed = codec->compress(content, {}, {}, 1000).value();
    Bytes twice = packed;
    twice.insert(twice.end(), packed.begin(), packed.end());
    EXPECT_THROW(static_cast<void>(codec->decompress(twice, {}, 2000)), CorruptionError);

    // A skippable frame of 4 bytes (RFC 8878 section 3.1.2) before or after, or alone.
    const Bytes skippable = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    EXPECT_THROW(static_cast<void>(codec->decompress(skippable, {}, 0)), CorruptionError);
    Bytes before = skippable;
    before.insert(before.end(), packed.begin(), packed.end());
    EXPECT_THROW(static_cast<void>(codec->decompress(before, {}, 1000)), CorruptionError);
    Bytes after = packed;
    after.insert(after.end(), skippable.begin(), skippable.end());
    EXPECT_THROW(static_cast<void>(codec->decompress(after, {}, 1000)), CorruptionError);
}

}  // namespace
}  // namespace dbbackup
