/// @file
/// What a session reads is the database, page by page, in every mode and shape that SQLite has.

#include "connector/sqlite/sqlite_connector.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace dbbackup::sqlite {
namespace {

/// The image that SQLite's own backup makes, as the file of a copy.
Bytes image_by_sqlite(const TestFolder& folder, const std::filesystem::path& path) {
    const auto copy = folder / "copy-by-sqlite.db";
    {
        TestDatabase source(path);
        TestDatabase target(copy);
        // A new database in rollback mode takes over the page size.
        sqlite3_backup* backup =
            sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
        if (sqlite3_backup_step(backup, -1) != SQLITE_DONE ||
            sqlite3_backup_finish(backup) != SQLITE_OK) {
            throw std::runtime_error("sqlite3_backup failed");
        }
    }
    Bytes image = bytes_of(copy);
    std::filesystem::remove(copy);
    return image;
}

/// Header fields that sqlite3_backup sets anew; see verification.hpp.
void expect_same_pages(const Bytes& image, Bytes by_sqlite) {
    ASSERT_EQ(image.size(), by_sqlite.size());
    for (const auto& [begin, end] : {std::pair{18, 20}, {24, 32}, {40, 44}, {92, 100}}) {
        std::copy(image.begin() + begin, image.begin() + end, by_sqlite.begin() + begin);
    }
    EXPECT_TRUE(image == by_sqlite) << "pages differ";
}

/// What the session reads is the accounts as they were when it began.
void expect_untouched_accounts(Session& session, const StreamPlan& stream,
                               const TestFolder& folder) {
    Bytes image;
    CollectingSink sink(stream.page_bytes, image);
    for (const SegmentPlan& segment : stream.segments) {
        session.read(stream, segment, sink, {});
    }
    session.finish({});
    write_bytes(folder / "image.db", image);
    TestDatabase restored(folder / "image.db");
    EXPECT_EQ(restored.ask("SELECT max(balance), count(*) FROM account"), "0|500");
    EXPECT_EQ(restored.ask("PRAGMA integrity_check"), "ok");
}

TEST(SqliteRead, GivesTheFileInRollbackMode) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    {
        TestDatabase database(path);
        make_accounts(database, 2000);
    }
    const auto connector = make_sqlite_connector(source_at(path));
    const Taken taken = take(*connector);
    EXPECT_TRUE(taken.image == bytes_of(path));
    EXPECT_EQ(taken.capture, Capture::full);
    EXPECT_EQ(taken.end.consistency, Consistency::view);
    EXPECT_FALSE(taken.end.is_incomplete);
    EXPECT_GE(taken.end.bytes_read, taken.image.size());
    EXPECT_EQ(folder.names(), std::set<std::string>{"shop.db"});
}

TEST(SqliteRead, OverlaysTheLogOfAnOpenDatabase) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    TestDatabase database(path);
    database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    make_accounts(database, 500);
    database.run("PRAGMA wal_checkpoint");
    database.run("UPDATE account SET balance = 1 WHERE id % 7 = 0");
    database.run("INSERT INTO account SELECT id + 1000, 2, randomblob(900) FROM account");
    const auto connector = make_sqlite_connector(source_at(path));
    const Taken taken = take(*connector);
    expect_same_pages(taken.image, image_by_sqlite(folder, path));
    EXPECT_EQ(integrity_of(folder, taken.image), "ok");
    EXPECT_EQ(taken.end.writers_waited.count(), 0);
    EXPECT_FALSE(taken.end.position.history.empty());
}

/// A log never has the page of the lock bytes, nor has the file while it is shorter: a database
/// that grew past 1 GiB since the last checkpoint. Here the bytes lie at 64 KiB.
TEST(SqliteRead, MissesNoPageOfTheLockBytes) {
    ASSERT_EQ(sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, 0x10000U), 0x40000000);
    const TestFolder folder;
    const auto path = folder / "shop.db";
    {
        TestDatabase database(path);
        database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
        make_accounts(database, 500);
        ASSERT_LT(std::filesystem::file_size(path), 0x10000U);
        const Taken taken = take(*make_sqlite_connector(source_at(path)));
        ASSERT_GT(taken.image.size(), 0x20000U);
        EXPECT_FALSE(taken.end.is_incomplete);
        EXPECT_TRUE(taken.end.warnings.empty());
        EXPECT_EQ(integrity_of(folder, taken.image), "ok");
        database.run("PRAGMA wal_checkpoint");
        EXPECT_TRUE(take(*make_sqlite_connector(source_at(path))).image == taken.image);
    }
    sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, 0x40000000U);
}

TEST(SqliteRead, ReadsTheFileAloneWhenTheLogWasCopiedBack) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    TestDatabase database(path);
    database.run("PRAGMA journal_mode=WAL");
    make_accounts(database, 500);
    database.run("PRAGMA wal_checkpoint");
    const auto connector = make_sqlite_connector(source_at(path));
    BackupRequest request;
    const auto session = connector->begin(request, {});
    const StreamPlan stream = session->plan().at(0);
    // The log is started over under the view, and must not show.
    database.run("UPDATE account SET balance = 77");
    expect_untouched_accounts(*session, stream, folder);
}

TEST(SqliteRead, KeepsItsViewWhileOthersCommitAndCheckpoint) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    TestDatabase database(path);
    database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    make_accounts(database, 500);
    const auto connector = make_sqlite_connector(source_at(path));
    BackupRequest request;
    const auto session = connector->begin(request, {});
    const StreamPlan stream = session->plan().at(0);
    database.run("UPDATE account SET balance = 77; PRAGMA wal_checkpoint");
    database.run("DELETE FROM account WHERE id > 250; PRAGMA wal_checkpoint");
    expect_untouched_accounts(*session, stream, folder);
}

TEST(SqliteRead, NeverCheckpointsOrDeletesTheLog) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    // A program that died leaves a log with frames and nobody who has it open.
    ChildProcess child([&] {
        TestDatabase database(path);
        database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
        make_accounts(database, 300);
        ::_exit(0);
    });
    ASSERT_EQ(child.wait(), 0);
    const Bytes file = bytes_of(path);
    const Bytes log = bytes_of(path.native() + "-wal");
    ASSERT_FALSE(log.empty());
    const auto connector = make_sqlite_connector(source_at(path));
    const Taken taken = take(*connector);
    EXPECT_TRUE(bytes_of(path) == file);
    EXPECT_TRUE(bytes_of(path.native() + "-wal") == log);
    EXPECT_EQ(integrity_of(folder, taken.image), "ok");
    EXPECT_GT(taken.image.size(), file.size());
}

TEST(SqliteRead, RollsBackAHotJournalFirst) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    {
        TestDatabase database(path);
        make_accounts(database, 2000);
    }
    const Bytes before = bytes_of(path);
    ChildProcess child([&] {
        TestDatabase database(path);
        database.run("PRAGMA cache_size=5; BEGIN; UPDATE account SET balance = 5");
        ::_exit(0);  // as a crash: pages were spilled into the file, the journal stays
    });
    ASSERT_EQ(child.wait(), 0);
    ASSERT_TRUE(std::filesystem::exists(path.native() + "-journal"));
    ASSERT_FALSE(bytes_of(path) == before) << "nothing was spilled, so nothing was tested";
    const auto connector = make_sqlite_connector(source_at(path));
    EXPECT_TRUE(take(*connector).image == before);
}

struct Shape {
    std::string name;
    std::string setup;
};

class SqliteShape : public testing::TestWithParam<Shape> {};

TEST_P(SqliteShape, IsReadWholeInBothModes) {
    for (const char* const mode : {"DELETE", "WAL"}) {
        SCOPED_TRACE(mode);
        const TestFolder folder;
        const auto path = folder / "shape.db";
        TestDatabase database(path);
        database.run(GetParam().setup);
        database.run("PRAGMA journal_mode=" + std::string(mode));
        make_accounts(database, 700);
        database.run("DELETE FROM account WHERE id % 3 = 0");
        const auto connector = make_sqlite_connector(source_at(path));
        const Taken taken = take(*connector);
        EXPECT_EQ(std::to_string(taken.stream.page_bytes), database.ask("PRAGMA page_size"));
        expect_same_pages(taken.image, image_by_sqlite(folder, path));
        EXPECT_EQ(integrity_of(folder, taken.image), "ok");
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, SqliteShape,
                         testing::Values(Shape{"p512", "PRAGMA page_size=512"},
                                         Shape{"p1024", "PRAGMA page_size=1024"},
                                         Shape{"p4096", "PRAGMA page_size=4096"},
                                         Shape{"p65536", "PRAGMA page_size=65536"},
                                         Shape{"full", "PRAGMA auto_vacuum=FULL"},
                                         Shape{"incremental", "PRAGMA auto_vacuum=INCREMENTAL"},
                                         Shape{"utf16", "PRAGMA encoding='UTF-16le'"}),
                         [](const auto& shape) { return shape.param.name; });

TEST(SqliteRead, ReadsReservedBytes) {
    const TestFolder folder;
    const auto path = folder / "reserved.db";
    TestDatabase database(path);
    int reserved = 32;
    ASSERT_EQ(
        sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved),
        SQLITE_OK);
    make_accounts(database, 300);
    const auto connector = make_sqlite_connector(source_at(path));
    const Taken taken = take(*connector);
    EXPECT_EQ(taken.image.at(20), 32);
    EXPECT_EQ(integrity_of(folder, taken.image), "ok");
}

TEST(SqliteRead, TakesAFileOfNoBytesAsAnEmptyDatabase) {
    const TestFolder folder;
    const auto path = folder / "empty.db";
    write_bytes(path, {});
    const auto connector = make_sqlite_connector(source_at(path));
    const Taken taken = take(*connector);
    EXPECT_TRUE(taken.image.empty());
    EXPECT_TRUE(taken.stream.segments.empty());
    EXPECT_EQ(std::filesystem::file_size(path), 0U);
}

TEST(SqliteRead, LeavesOutWhatLiesBehindTheLastPage) {
    const TestFolder folder;
    const auto path = folder / "grown.db";
    {
        TestDatabase database(path);
        make_accounts(database, 300);
    }
    const Bytes image = bytes_of(path);
    Bytes grown = image;
    grown.resize(image.size() + 4096 * 3 + 17, 0xee);  // as SQLITE_FCNTL_CHUNK_SIZE grows files
    write_bytes(path, grown);
    const auto connector = make_sqlite_connector(source_at(path));
    EXPECT_TRUE(take(*connector).image == image);
}

TEST(SqliteRead, CutsSegmentsThatNeverMove) {
    const TestFolder folder;
    const auto path = folder / "large.db";
    {
        TestDatabase database(path);
        database.run("PRAGMA page_size=65536; CREATE TABLE t (b BLOB)");
        database.run("INSERT INTO t VALUES (zeroblob(5000000))");
    }
    const auto connector = make_sqlite_connector(source_at(path));
    const Taken taken = take(*connector);
    ASSERT_EQ(taken.stream.segments.size(), 3U);
    for (std::size_t index = 0; index < 3; ++index) {
        EXPECT_EQ(taken.stream.segments[index].range.first_page, index * 32);
    }
    EXPECT_TRUE(taken.image == bytes_of(path));
}

TEST(SqliteRead, DescribesTheDatabase) {
    const TestFolder folder;
    const auto path = folder / "My Shop.DB.v2.db";
    {
        TestDatabase database(path);
        database.run("PRAGMA user_version=7; PRAGMA application_id=99");
        make_accounts(database, 10);
    }
    const auto connector = make_sqlite_connector(source_at(path));
    const Probe probe = connector->probe({});
    EXPECT_EQ(probe.suggested_name, "sqlite-my-shop.db.v2");
    EXPECT_TRUE(probe.identity.ends_with(":" + path.native())) << probe.identity;
    EXPECT_EQ(probe.source_bytes, std::filesystem::file_size(path));
    EXPECT_EQ(probe.server_version, sqlite3_libversion());
    const Taken taken = take(*connector);
    for (const char* const part :
         {"\"user_version\":7", "\"application_id\":99", "CREATE INDEX account_by_balance",
          "\"journal_mode\":\"delete\"", "\"page_size\":4096", "\"encoding\":\"UTF-8\""}) {
        EXPECT_NE(taken.stream.definition.find(part), std::string::npos) << part;
    }
}

}  // namespace
}  // namespace dbbackup::sqlite
