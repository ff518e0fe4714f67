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

/// Whether each word stands for a value of its own.
template <class E>
bool names_every_value() {
    for (std::size_t index = 0; index < EnumWords<E>::words.size(); ++index) {
        const auto value = static_cast<E>(index);
        if (value_of<E>(word_of(value)) != value) {
            return false;
        }
    }
    return true;
}

TEST(EnumWords, NameEveryValueOnce) {
    EXPECT_TRUE(names_every_value<DatabaseType>());
    EXPECT_TRUE(names_every_value<StorageType>());
    EXPECT_TRUE(names_every_value<BackupMode>());
    EXPECT_TRUE(names_every_value<Encryption>());
    EXPECT_TRUE(names_every_value<CompressionKind>());
    EXPECT_EQ(word_of(StorageType::gcs), "gcs");
    EXPECT_EQ(word_of(BackupMode::differential), "differential");
    EXPECT_EQ(value_of<StorageType>("S3"), std::nullopt);
    EXPECT_EQ(value_of<DatabaseType>("Sqlite"), std::nullopt);
    EXPECT_EQ(word_of(DeltaPolicy::automatic), "auto");
    EXPECT_EQ(value_of<Encryption>("keyfile"), Encryption::keyfile);
}

}  // namespace
}  // namespace dbbackup
