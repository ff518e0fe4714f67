/// @file
/// A new file is seen by nobody before it is whole, replaces nothing, and leaves nothing when its
/// process dies, with and without file systems that know files without a name.

#include "sys/unfinished_file.hpp"

#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <optional>

namespace dbbackup::sqlite {
namespace {

using Way = UnfinishedFile::Way;

class UnfinishedFileTest : public testing::TestWithParam<Way> {
protected:
    TestFolder folder_;
    std::filesystem::path target_ = folder_ / "new.db";
};

TEST_P(UnfinishedFileTest, GetsItsName) {
    UnfinishedFile made(target_, GetParam());
    made.file().write_at(0, as_bytes("content"));
    EXPECT_FALSE(std::filesystem::exists(target_));
    EXPECT_TRUE(made.publish());
    EXPECT_EQ(as_text(bytes_of(target_)), "content");
    EXPECT_EQ(folder_.names(), std::set<std::string>{"new.db"});
}

TEST_P(UnfinishedFileTest, ReplacesNothing) {
    {
        UnfinishedFile made(target_, GetParam());
        write_bytes(target_, as_bytes("precious"));
        EXPECT_FALSE(made.publish());
    }
    EXPECT_EQ(as_text(bytes_of(target_)), "precious");
    EXPECT_EQ(folder_.names(), std::set<std::string>{"new.db"});
}

TEST_P(UnfinishedFileTest, IsGoneWhenGivenUp) {
    {
        const UnfinishedFile made(target_, GetParam());
    }
    EXPECT_TRUE(folder_.names().empty());
}

TEST_P(UnfinishedFileTest, IsGoneAtTheNextAttemptAtTheLatestWhenItsProcessWasKilled) {
    {
        ChildProcess child([&] {
            UnfinishedFile made(target_, GetParam());
            made.file().write_at(0, as_bytes("half"));
            ::raise(SIGKILL);
        });
        EXPECT_EQ(child.wait(), 128 + SIGKILL);
    }
    const std::set<std::string> others = {".other.db.db-backup-123456",
                                          ".new.db.db-backup-2026-01-01", ".new.db.db-backup-12345",
                                          ".new.db.db-backup-12.456"};
    for (const std::string& other : others) {
        write_bytes(folder_ / other, as_bytes("not ours"));
    }
    UnfinishedFile made(target_, GetParam());
    EXPECT_TRUE(made.publish());
    std::set<std::string> expected = others;
    expected.insert("new.db");
    EXPECT_EQ(folder_.names(), expected);
}

TEST_P(UnfinishedFileTest, LeavesTheFilesOfTheLiving) {
    UnfinishedFile first(target_, GetParam());
    first.file().write_at(0, as_bytes("first"));
    UnfinishedFile second(target_, GetParam());
    EXPECT_TRUE(first.publish());
    EXPECT_FALSE(second.publish());
    EXPECT_EQ(as_text(bytes_of(target_)), "first");
}

INSTANTIATE_TEST_SUITE_P(Ways, UnfinishedFileTest, testing::Values(Way::unnamed, Way::hidden),
                         [](const auto& way) {
                             return way.param == Way::hidden ? "hidden" : "unnamed";
                         });

TEST(UnfinishedFile, HasNoNameWhereTheFileSystemCan) {
    const TestFolder folder;
    if (!File::unnamed(folder.path())) {
        GTEST_SKIP() << "no files without a name here";
    }
    const UnfinishedFile made(folder / "new.db");
    EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace dbbackup::sqlite
