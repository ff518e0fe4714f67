/// @file
/// Choosing a codec and a level.

#include "compress/compressor.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

std::string message_of(Codec codec, int level) {
    try {
        static_cast<void>(make_compressor(codec, level));
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

TEST(MakeCompressor, KnowsTheRangeOfLevels) {
    EXPECT_EQ(message_of(Codec::zstd, 19), "no error");
    EXPECT_EQ(message_of(Codec::zstd, 20), "zstd has no compression level 20");
    EXPECT_EQ(message_of(Codec::zstd, -1), "zstd has no compression level -1");
    EXPECT_EQ(message_of(Codec::gzip, 9), "no error");
    EXPECT_EQ(message_of(Codec::gzip, 10), "gzip has no compression level 10");
    EXPECT_EQ(message_of(Codec::stored, 1), "stored has no compression level 1");
    EXPECT_EQ(message_of(Codec::zstd_delta, 20), "zstd-delta has no compression level 20");
    EXPECT_EQ(message_of(Codec::zstd_columns, 19), "no error");
    EXPECT_EQ(message_of(Codec::zstd_columns, 20), "zstd-columns has no compression level 20");
}

TEST(MakeCompressor, RefusesCodecsOfOtherVersions) {
    EXPECT_EQ(message_of(Codec{200}, 0), "this version has no codec 200 (unknown)");
}

}  // namespace
}  // namespace dbbackup
