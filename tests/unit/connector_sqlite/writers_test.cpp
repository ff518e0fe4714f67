/// @file
/// Goal: a backup taken while four processes write is of one committed moment.
/// Method: the writers move amounts between accounts, so in each committed state the balances add
/// up to 0; every image must keep that sum, have all rows and pass integrity_check.

#include "connector/sqlite/session.hpp"
#include "connector/sqlite/sqlite_connector.hpp"
#include "connector/sqlite/view.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace dbbackup::sqlite {
namespace {

constexpr int kRows = 3000;
constexpr int kRounds = 5;
constexpr unsigned kWriters = 4;

class SqliteWriters : public testing::TestWithParam<std::string> {};

TEST_P(SqliteWriters, NeverTearAnImage) {
    const TestFolder folder;
    const auto path = folder / "bank.db";
    {
        TestDatabase database(path);
        database.run("PRAGMA journal_mode=" + GetParam());
        make_accounts(database, kRows);
    }
    std::vector<std::unique_ptr<ChildProcess>> writers;
    for (unsigned writer = 0; writer < kWriters; ++writer) {
        writers.push_back(std::make_unique<ChildProcess>(
            [&, writer] { transfer_for_ever(path, kRows, writer * 1'000'003 + 1); }));
    }
    SourceOptions options = source_at(path);
    options.lock_timeout = std::chrono::seconds(60);
    const auto connector = make_sqlite_connector(std::move(options));
    std::set<std::string> balances;
    for (int round = 0; round < kRounds; ++round) {
        SCOPED_TRACE(round);
        const Taken taken = take(*connector);
        write_bytes(folder / "image.db", taken.image);
        TestDatabase restored(folder / "image.db");
        EXPECT_EQ(restored.ask("PRAGMA integrity_check"), "ok");
        EXPECT_EQ(restored.ask("SELECT sum(balance), count(*) FROM account"),
                  "0|" + std::to_string(kRows));
        balances.insert(restored.ask("SELECT group_concat(balance) FROM account"));
    }
    EXPECT_GT(balances.size(), 1U) << "nobody wrote, so nothing was tested";
}

TEST_P(SqliteWriters, LeaveFewAttemptsToFindAMoment) {
    const TestFolder folder;
    const auto path = folder / "bank.db";
    {
        TestDatabase database(path);
        database.run("PRAGMA journal_mode=" + GetParam());
        make_accounts(database, 100);
    }
    std::vector<std::unique_ptr<ChildProcess>> writers;
    for (unsigned writer = 0; writer < kWriters; ++writer) {
        writers.push_back(std::make_unique<ChildProcess>(
            [&, writer] { transfer_for_ever(path, 100, writer + 1); }));
    }
    unsigned attempts_max = 0;
    for (int round = 0; round < 50; ++round) {
        View view({.path = path, .lock_timeout = std::chrono::seconds(60)}, {});
        attempts_max = std::max(attempts_max, view.attempts());
    }
    RecordProperty("attempts_max", static_cast<int>(attempts_max));
    EXPECT_LT(attempts_max, 200U);
}

INSTANTIATE_TEST_SUITE_P(Modes, SqliteWriters, testing::Values("DELETE", "WAL"),
                         [](const auto& mode) { return mode.param; });

TEST(SqliteSession, KeepsWritersOutOnlyUntilTheLastPageWasRead) {
    const TestFolder folder;
    const auto path = folder / "bank.db";
    TestDatabase database(path);
    make_accounts(database, 2000, 4000);
    sqlite3_busy_timeout(database.handle(), 0);
    const auto connector = make_sqlite_connector(source_at(path));
    const auto session = connector->begin({}, {});
    const StreamPlan stream = session->plan().at(0);
    EXPECT_THROW(database.run("UPDATE account SET balance = 1"), std::runtime_error)
        << "a writer got in beside the view";

    // The first segment is taken; the spool holds the rest, so after a moment writers may write
    // although most of the image was not asked for.
    Bytes image;
    CollectingSink sink(stream.page_bytes, image);
    session->read(stream, stream.segments.at(0), sink, {});
    sqlite3_busy_timeout(database.handle(), 60'000);
    database.run("UPDATE account SET balance = 1");
    for (std::size_t index = 1; index < stream.segments.size(); ++index) {
        session->read(stream, stream.segments[index], sink, {});
    }
    const SessionEnd end = session->finish({});
    EXPECT_GE(end.writers_waited.count(), 0);
    write_bytes(folder / "image.db", image);
    TestDatabase restored(folder / "image.db");
    EXPECT_EQ(restored.ask("SELECT max(balance) FROM account"), "0");
}

TEST(SqliteSession, LetsGoWhenItIsGivenUp) {
    const TestFolder folder;
    const auto path = folder / "bank.db";
    TestDatabase database(path);
    make_accounts(database, 2000, 4000);
    sqlite3_busy_timeout(database.handle(), 0);
    SourceOptions options = source_at(path);
    const auto connector = make_sqlite_connector(std::move(options));
    {
        const auto session = connector->begin({}, {});
        static_cast<void>(session->plan());
    }
    EXPECT_NO_THROW(database.run("UPDATE account SET balance = 1"));
    {
        const auto session = connector->begin({}, {});
        const StreamPlan stream = session->plan().at(0);
        std::stop_source stop;
        stop.request_stop();
        Bytes image;
        CollectingSink sink(stream.page_bytes, image);
        EXPECT_THROW(session->read(stream, stream.segments.at(0), sink, stop.get_token()),
                     Cancelled);
    }
    EXPECT_NO_THROW(database.run("UPDATE account SET balance = 2"));
}

}  // namespace
}  // namespace dbbackup::sqlite
