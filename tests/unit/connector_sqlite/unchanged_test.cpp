/// @file
/// When a database counts as unchanged without being read, and the many ways in which it only
/// looks so.

#include "connector/sqlite/signs.hpp"
#include "connector/sqlite/sqlite_connector.hpp"
#include "sample_database.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace dbbackup::sqlite {
namespace {

/// A database, a backup of it as the parent, and what the next backup makes of a change.
class SqliteUnchanged : public testing::TestWithParam<std::string> {
protected:
    SqliteUnchanged() : path_(folder_ / "shop.db") {
        TestDatabase database(path_);
        database.run("PRAGMA journal_mode=" + GetParam());
        make_accounts(database, 300);
    }
    Taken take_now(std::optional<Parent> parent = std::nullopt) {
        return take(*make_sqlite_connector(source_at(path_), clock_), std::move(parent));
    }
    [[nodiscard]] bool is_log() const { return GetParam() == "WAL"; }

    TestFolder folder_;
    std::filesystem::path path_;
    ClockAhead clock_;
};

INSTANTIATE_TEST_SUITE_P(Modes, SqliteUnchanged, testing::Values("DELETE", "WAL"),
                         [](const auto& mode) { return mode.param; });

TEST_P(SqliteUnchanged, NothingIsReadWhenNothingChanged) {
    const Taken first = take_now();
    const Parent parent = first.as_parent();
    const auto connector = make_sqlite_connector(source_at(path_), clock_);
    BackupRequest request;
    request.parent = parent;
    const auto session = connector->begin(request, {});
    const StreamPlan stream = session->plan().at(0);
    EXPECT_EQ(session->capture(), Capture::unchanged);
    for (const SegmentPlan& segment : stream.segments) {
        EXPECT_EQ(segment.action, SegmentAction::reuse);
    }
    const SessionEnd end = session->finish({});
    EXPECT_LT(end.bytes_read, first.image.size() / 2);
    // A third run compares with what the second one noted.
    Parent second = parent;
    second.state = end.state;
    EXPECT_EQ(take_now(second).capture, Capture::unchanged);
}

TEST_P(SqliteUnchanged, ASampleOfAnUnchangedSegmentHasItsBytes) {
    const Taken first = take_now();
    const Taken again = take_now(first.as_parent());
    ASSERT_EQ(again.capture, Capture::unchanged);
    EXPECT_TRUE(again.image == first.image);
}

TEST_P(SqliteUnchanged, WithoutAParentItIsFull) { EXPECT_EQ(take_now().capture, Capture::full); }

TEST_P(SqliteUnchanged, ACommitIsSeen) {
    const Parent parent = take_now().as_parent();
    TestDatabase(path_).run("UPDATE account SET balance = 1 WHERE id = 1");
    EXPECT_EQ(take_now(parent).capture, Capture::compared);
}

TEST_P(SqliteUnchanged, ACommitByAnOpenConnectionIsSeen) {
    TestDatabase database(path_);
    database.run("UPDATE account SET balance = 1 WHERE id = 1");
    const Parent parent = take_now().as_parent();
    ASSERT_EQ(take_now(parent).capture, Capture::unchanged);
    database.run("UPDATE account SET balance = 2 WHERE id = 1");
    EXPECT_EQ(take_now(parent).capture, Capture::compared);
}

TEST_P(SqliteUnchanged, AReopenedDatabaseWithTheSameHeaderAndSizeIsRead) {
    const Parent parent = take_now().as_parent();
    Bytes header_before = bytes_of(path_);
    header_before.resize(100);
    const auto size_before = std::filesystem::file_size(path_);
    for (int round = 0; round < 10; ++round) {
        TestDatabase(path_).run("UPDATE account SET balance = balance + 1");
    }
    if (is_log()) {
        // The trap: header, size and inode tell nothing.
        Bytes header_after = bytes_of(path_);
        header_after.resize(100);
        EXPECT_TRUE(header_before == header_after);
        EXPECT_EQ(size_before, std::filesystem::file_size(path_));
    }
    EXPECT_EQ(take_now(parent).capture, Capture::compared);
}

TEST_P(SqliteUnchanged, ATruncatedLogIsRead) {
    const Parent parent = take_now().as_parent();
    {
        TestDatabase database(path_);
        database.run("UPDATE account SET balance = balance + 1");
        database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    EXPECT_EQ(take_now(parent).capture, Capture::compared);
}

TEST_P(SqliteUnchanged, AnOlderCopyPutInPlaceIsRead) {
    const auto copy = folder_ / "copy.db";
    {
        TestDatabase database(path_);
        database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    std::filesystem::copy_file(path_, copy);
    {
        // The same number of commits from the same state: equal change counter, equal size.
        TestDatabase(path_).run("UPDATE account SET balance = 1 WHERE id = 1");
        TestDatabase(copy).run("UPDATE account SET balance = 2 WHERE id = 1");
    }
    const Parent parent = take_now().as_parent();
    struct stat before{};
    ASSERT_EQ(::stat(path_.c_str(), &before), 0);
    for (const char* const suffix : {"-wal", "-shm"}) {
        std::filesystem::remove(path_.native() + suffix);
    }
    // As `cp` over it: the inode stays; and as `cp -p`: the mtime is set back.
    write_bytes(path_, bytes_of(copy));
    const std::array<timespec, 2> times = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times.data(), 0), 0);
    const Taken again = take_now(parent);
    EXPECT_EQ(again.capture, Capture::compared);
    write_bytes(folder_ / "image.db", again.image);
    EXPECT_EQ(TestDatabase(folder_ / "image.db").ask("SELECT balance FROM account WHERE id = 1"),
              "2");
}

TEST_P(SqliteUnchanged, AVacuumIsRead) {
    const Parent parent = take_now().as_parent();
    TestDatabase(path_).run("VACUUM");
    EXPECT_EQ(take_now(parent).capture, Capture::compared);
}

TEST_P(SqliteUnchanged, ATouchOrChangeOfModeOnlyCostsAReading) {
    const Parent parent = take_now().as_parent();
    ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0), 0);
    const Taken touched = take_now(parent);
    EXPECT_EQ(touched.capture, Capture::compared);
    ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
    EXPECT_EQ(take_now(touched.as_parent()).capture, Capture::compared);
}

/// A clock that stands at a file's last change: nothing seen then is settled.
class ClockAtChange final : public Clock {
public:
    explicit ClockAtChange(std::filesystem::path path) : path_(std::move(path)) {}
    [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override {
        return std::chrono::sys_time<std::chrono::milliseconds>(
            std::chrono::milliseconds(facts_of(path_)->changed_ns / 1'000'000 + 50));
    }

private:
    std::filesystem::path path_;
};

TEST_P(SqliteUnchanged, SignsTakenWithinTheTickOfAWriteProveNothing) {
    const ClockAtChange racy(path_);
    const Parent parent = take(*make_sqlite_connector(source_at(path_), racy)).as_parent();
    EXPECT_EQ(take_now(parent).capture, Capture::compared);
}

TEST_P(SqliteUnchanged, AnotherIdentityOrUnknownStateIsRead) {
    const Parent parent = take_now().as_parent();
    Parent elsewhere = parent;
    elsewhere.position.source_id = "other-host:/x.db";
    EXPECT_EQ(take_now(elsewhere).capture, Capture::compared);
    Parent garbled = parent;
    garbled.state = "{\"version\":2}";
    EXPECT_EQ(take_now(garbled).capture, Capture::compared);
    Parent other_size = parent;
    other_size.streams[0].size_bytes -= 4096;
    EXPECT_EQ(take_now(other_size).capture, Capture::compared);
}

TEST(SqliteSigns, SettleOnlyPastTheMargin) {
    FileFacts file;
    const auto at = [](std::int64_t ms) { return Time(std::chrono::milliseconds(ms)); };
    file.changed_ns = 5'000'000'001;
    EXPECT_FALSE(is_settled(file, at(5000)));
    EXPECT_FALSE(is_settled(file, at(5100)));
    EXPECT_TRUE(is_settled(file, at(5101)));
    EXPECT_FALSE(is_settled(file, at(1000))) << "a clock that was set back";
    file.changed_ns = 5'000'000'000;  // whole seconds: perhaps a file system without more
    EXPECT_FALSE(is_settled(file, at(7000)));
    EXPECT_TRUE(is_settled(file, at(7101)));
}

TEST(SqliteSigns, SurviveBeingWrittenAndRead) {
    Signs signs;
    signs.file = {.device = 1, .inode = 2, .size_bytes = 3, .modified_ns = 4, .changed_ns = -5};
    signs.header = "53ff";
    signs.log = {.inode = 6,
                 .size_bytes = 7,
                 .modified_ns = 8,
                 .frames = 10,
                 .header = "aa",
                 .salts = "bb",
                 .checksum = "cc"};
    signs.is_settled = true;
    const auto read = Signs::parse(signs.text());
    ASSERT_TRUE(read);
    EXPECT_TRUE(proves_unchanged(signs, *read));
    EXPECT_EQ(read->text(), signs.text());
    for (const char* const text : {"", "{}", "[1]", "{\"version\":1,\"settled\":3}"}) {
        EXPECT_FALSE(Signs::parse(text)) << text;
    }
}

}  // namespace
}  // namespace dbbackup::sqlite
