/// @file
/// Payloads that earlier programs wrote (tests/golden/codecs) are read as what they were made of.

#include "compress/compressor.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace dbbackup {
namespace {

Bytes content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.is_open()) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(GoldenCodecs, ZstdColumnsOfVersion1) {
    const std::filesystem::path folder = std::filesystem::path(DB_BACKUP_GOLDEN) / "codecs";
    for (const char* name : {"zstd-columns-1", "zstd-columns-1-cut", "zstd-columns-1-words"}) {
        const Bytes plain = content_of(folder / (std::string(name) + ".plain"));
        const Bytes packed = content_of(folder / (std::string(name) + ".packed"));
        ASSERT_GT(plain.size(), 1000U);
        EXPECT_EQ(make_compressor(Codec::zstd_columns, 0)->decompress(packed, {}, plain.size()),
                  plain)
            << name;
    }
}

}  // namespace
}  // namespace dbbackup
