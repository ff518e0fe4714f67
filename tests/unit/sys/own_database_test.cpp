#include "sys/own_database.hpp"

#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;

std::filesystem::perms permissions(const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions();
}

TEST(OwnDatabase, KeepsWhatWasWrittenInAFileOfItsOwners) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "own?.sqlite";
    {
        OwnDatabase database(file, milliseconds(0), {});
        database.execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b)");
        database.prepare("INSERT INTO t VALUES(?, ?)")
            .bind(0, std::int64_t{7})
            .bind(1, as_bytes("seven"))
            .run();
        constexpr auto kOwnerOnly =
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
        EXPECT_EQ(permissions(file), kOwnerOnly);
        EXPECT_EQ(permissions(file.native() + "-wal"), kOwnerOnly);
    }
    std::filesystem::permissions(file, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    OwnDatabase database(file, milliseconds(0), {});
    EXPECT_EQ(permissions(file) & std::filesystem::perms::others_all, std::filesystem::perms::none);
    OwnStatement rows = database.prepare("SELECT b, a FROM t WHERE a = ?");
    ASSERT_TRUE(rows.bind(0, std::int64_t{7}).step());
    EXPECT_EQ(rows.text(0), "seven");
    EXPECT_EQ(rows.integer(1), 7);
    EXPECT_FALSE(rows.step());
}

TEST(OwnDatabase, ATemporaryOneIsItsOwn) {
    OwnDatabase one{std::stop_token()};
    one.execute("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    OwnDatabase two{std::stop_token()};
    EXPECT_EQ(one.integer("SELECT count(*) FROM t"), 1);
    EXPECT_THROW(two.execute("SELECT * FROM t"), OwnDatabaseError);
}

TEST(OwnDatabase, WhatIsNotCommittedIsUndone) {
    OwnDatabase database{std::stop_token()};
    database.execute("CREATE TABLE t(a)");
    {
        const OwnTransaction transaction(database);
        database.execute("INSERT INTO t VALUES(1)");
    }
    EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 0);
    OwnTransaction transaction(database);
    database.execute("INSERT INTO t VALUES(1)");
    transaction.commit();
    EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 1);
}

TEST(OwnDatabase, AnyFileCanBeErased) {
    const TemporaryFolder folder;
    for (const std::string& content : {std::string("no database"), std::string(100'000, '\xff'),
                                       "SQLite format 3" + std::string(50'000, '\0')}) {
        const std::filesystem::path file = folder.write("own.sqlite", content);
        OwnDatabase database(file, milliseconds(0), {});
        try {
            database.execute("SELECT * FROM sqlite_schema");
            ADD_FAILURE() << "no damage noticed";
        } catch (const OwnDatabaseError& error) {
            EXPECT_TRUE(error.is_damage()) << error.what();
        }
        database.erase();
        database.execute("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
        EXPECT_EQ(OwnDatabase(file, milliseconds(0), {}).integer("SELECT count(*) FROM t"), 1);
    }
}

TEST(OwnDatabase, WaitsForAnotherWriterWithPatienceThatEnds) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "own.sqlite";
    OwnDatabase one(file, milliseconds(0), {});
    one.execute("CREATE TABLE t(a)");
    const OwnTransaction held(one);
    std::stop_source stop;
    OwnDatabase impatient(file, milliseconds(5), {});
    EXPECT_THROW(OwnTransaction{impatient}, OwnDatabaseError);
    OwnDatabase patient(file, std::chrono::hours(1), stop.get_token());
    const std::jthread stopper([&stop] { stop.request_stop(); });
    EXPECT_THROW(OwnTransaction{patient}, Cancelled);
}

TEST(OwnDatabase, AStopEndsWhatTakesLong) {
    std::stop_source stop;
    OwnDatabase database(stop.get_token());
    stop.request_stop();
    EXPECT_THROW(database.execute("WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c) "
                                  "SELECT count(*) FROM c"),
                 Cancelled);
}

}  // namespace
}  // namespace dbbackup
