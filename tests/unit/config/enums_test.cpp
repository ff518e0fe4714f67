#include "config/enums.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(Compression, ReadsCodecsAndLevels) {
    EXPECT_EQ(Compression::parse("zstd"), (Compression{CompressionKind::zstd, 0}));
    EXPECT_EQ(Compression::parse("zstd:1"), (Compression{CompressionKind::zstd, 1}));
    EXPECT_EQ(Compression::parse("zstd:19"), (Compression{CompressionKind::zstd, 19}));
    EXPECT_EQ(Compression::parse("gzip:9"), (Compression{CompressionKind::gzip, 9}));
    EXPECT_EQ(Compression::parse("zip:1"), (Compression{CompressionKind::zip, 1}));
    EXPECT_EQ(Compression::parse("none"), (Compression{CompressionKind::none, 0}));
}

TEST(Compression, RefusesEverythingElse) {
    for (const std::string_view text :
         {"", ":", "zstd:", "zstd:0", "zstd:20", "zstd:-1", "zstd:+1", "zstd:3x", "zstd: 3",
          "zstd:99999999999", "gzip:0", "gzip:10", "zip:10", "none:1", "none:0", "none:", "ZSTD",
          "lz4", "zstd3"}) {
        EXPECT_EQ(Compression::parse(text), std::nullopt) << text;
    }
}

TEST(Compression, WritesWhatItReads) {
    for (const std::string_view text : {"zstd", "zstd:7", "gzip:6", "zip", "none"}) {
        EXPECT_EQ(Compression::parse(text).value_or(Compression()).text(), text);
    }
}

TEST(EnumWords, NameEveryValueOnce) {
    for (const std::string_view word : EnumWords<DatabaseType>::words) {
        EXPECT_EQ(word_of(value_of<DatabaseType>(word).value_or(DatabaseType::sqlite)), word);
    }
    EXPECT_EQ(value_of<DatabaseType>("Sqlite"), std::nullopt);
    EXPECT_EQ(word_of(DeltaPolicy::automatic), "auto");
    EXPECT_EQ(value_of<Encryption>("keyfile"), Encryption::keyfile);
}

}  // namespace
}  // namespace dbbackup
