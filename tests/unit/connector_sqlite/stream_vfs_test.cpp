/// @file
/// A stored database can be queried in place through the virtual file.

#include "connector/sqlite/stream_vfs.hpp"

#include "connector/sqlite/database.hpp"
#include "restore_sample.hpp"

#include <gtest/gtest.h>

namespace dbbackup::sqlite {
namespace {

using StreamVfsTest = RestoreTest;

OpenOptions through(const StreamVfs& vfs) {
    OpenOptions how;
    how.access = OpenOptions::Access::immutable;
    how.vfs = vfs.name();
    return how;
}

TEST_F(StreamVfsTest, AnswersQueriesWithoutACopy) {
    stored();
    StreamVfs vfs(*reader_, {});
    Database database("/snapshot", through(vfs), {});
    EXPECT_EQ(database.integer("SELECT count(*) FROM account WHERE id BETWEEN 100 AND 199"), 100);
    EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
    EXPECT_THROW(database.execute("DELETE FROM account"), SourceError);
    EXPECT_EQ(folder_.names(), std::set<std::string>{"source.db"});
}

TEST_F(StreamVfsTest, TwoStreamsAreOpenAtOnce) {
    stored();
    StreamVfs first(*reader_, {});
    StreamVfs second(*reader_, {});
    EXPECT_NE(first.name(), second.name());
    Database a("/snapshot", through(first), {});
    Database b("/snapshot", through(second), {});
    EXPECT_EQ(a.integer("SELECT count(*) FROM account"), 600);
    EXPECT_EQ(b.integer("SELECT count(*) FROM account"), 600);
}

TEST_F(StreamVfsTest, ReadsTheLogOfNothingInADatabaseThatHadOne) {
    {
        TestDatabase database(source_);
        database.run("PRAGMA journal_mode=WAL");
    }
    stored();
    StreamVfs vfs(*reader_, {});
    Database database("/snapshot", through(vfs), {});
    EXPECT_EQ(database.integer("SELECT count(*) FROM account"), 600);
}

TEST_F(StreamVfsTest, KeepsWhatTheStreamThrew) {
    stored().fail_from(0);
    StreamVfs vfs(*reader_, {});
    EXPECT_THROW(Database("/snapshot", through(vfs), {}), SourceError);
    EXPECT_THROW(vfs.rethrow_failure(), CorruptionError);
}

TEST_F(StreamVfsTest, FillsShortReadsWithZeros) {
    stored();
    StreamVfs vfs(*reader_, {});
    Bytes page(4096, 0xff);
    EXPECT_EQ(vfs.read(taken_->image.size() - 96, page), StreamVfs::ReadResult::past_end);
    EXPECT_EQ(page[95], taken_->image.back());
    EXPECT_EQ(std::count(page.begin() + 96, page.end(), 0), 4000);
    EXPECT_EQ(vfs.read(1ULL << 40U, page), StreamVfs::ReadResult::past_end);
}

TEST_F(StreamVfsTest, HasOnlyTheEndsOnceDetached) {
    stored();
    StreamVfs vfs(*reader_, {});
    vfs.detach();
    Bytes page(4096);
    EXPECT_EQ(vfs.read(0, page), StreamVfs::ReadResult::whole);
    EXPECT_TRUE(std::equal(page.begin(), page.end(), vfs.first_page().begin()));
    EXPECT_EQ(vfs.read(taken_->image.size() - 4096, page), StreamVfs::ReadResult::whole);
    EXPECT_EQ(vfs.read(4096, page), StreamVfs::ReadResult::failed);
}

}  // namespace
}  // namespace dbbackup::sqlite
