#include "archive/archive_manifest.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

ArchiveManifest sample() {
    ArchiveManifest manifest;
    manifest.source_name = "shop";
    manifest.server_version = "3.40.1";
    manifest.tool = "db-backup 1.2.3";
    manifest.databases.push_back({"main", "shop.sqlite", 4096, sha256(as_bytes("x"))});
    return manifest;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

TEST(ArchiveManifest, ComesBackAsItWasWritten) {
    const ArchiveManifest read = parse_manifest(manifest_text(sample()));
    EXPECT_EQ(read.source_name, "shop");
    EXPECT_EQ(read.server_version, "3.40.1");
    ASSERT_EQ(read.databases.size(), 1U);
    EXPECT_EQ(read.databases[0].name, "main");
    EXPECT_EQ(read.databases[0].file, "shop.sqlite");
    EXPECT_EQ(read.databases[0].size_bytes, 4096U);
    EXPECT_EQ(read.databases[0].sha256, sha256(as_bytes("x")));
}

TEST(ArchiveManifest, IsRefusedWhenItCannotBeOurs) {
    const std::string good = manifest_text(sample());
    for (const std::string& bad :
         {std::string(), std::string("{}"), std::string("[]"), good.substr(0, good.size() / 2),
          replaced(good, "db-backup archive", "another one"),
          replaced(good, "\"shop.sqlite\"", "\"../shop.sqlite\""),
          replaced(good, "\"shop.sqlite\"", "17"),
          replaced(good, "\"bytes\": 4096", "\"bytes\": -1.5"),
          replaced(good, "\"sha256\": \"", "\"sha256\": \"00"),
          replaced(good, "\"sqlite\"", "\"oracle\"")}) {
        EXPECT_THROW(static_cast<void>(parse_manifest(bad)), CorruptionError) << bad;
    }
}

TEST(ArchiveManifest, OfANewerVersionIsNoDamage) {
    try {
        static_cast<void>(
            parse_manifest(replaced(manifest_text(sample()), "\"version\": 1", "\"version\": 2")));
        FAIL() << "it was taken";
    } catch (const RepositoryError& error) {
        EXPECT_EQ(error.code(), "archive_too_new");
        EXPECT_EQ(error.exit_code(), ExitCode::repository);
    }
}

}  // namespace
}  // namespace dbbackup
