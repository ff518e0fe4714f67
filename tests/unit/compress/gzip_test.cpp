/// @file
/// That what gzip packs is a gzip file.

#include "base/error.hpp"
#include "compress/compressor.hpp"
#include "conformance/compressor_cases.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(Gzip, ReadsWhatGzipWrote) {
    // printf 'hello, hello\n' | gzip -9n
    const Bytes file = from_hex("1f8b0800000000000203cb48cdc9c9d751c800515c00db25261f0d000000");
    const Bytes content = make_compressor(Codec::gzip, 0)->decompress(file, {}, 13);
    EXPECT_EQ(as_text(content), "hello, hello\n");
}

TEST(Gzip, FindsAChangedChecksum) {
    std::mt19937_64 random(kCompressSeed);
    const auto codec = make_compressor(Codec::gzip, 0);
    const Bytes content = rows(5000, random);
    Bytes packed = codec->compress(content, {}, {}, 5000).value();
    for (std::size_t back = 1; back <= 8; ++back) {  // CRC-32 and length end the file
        Bytes bad = packed;
        bad[bad.size() - back] ^= 1U;
        EXPECT_THROW(static_cast<void>(codec->decompress(bad, {}, 5000)), CorruptionError);
    }
}

}  // namespace
}  // namespace dbbackup
