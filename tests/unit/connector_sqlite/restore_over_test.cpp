/// @file
/// Restoring over an existing database: through SQLite, in one transaction, seen by programs that
/// have it open; refused unless asked for.

#include "connector/sqlite/verification.hpp"
#include "restore_sample.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace dbbackup::sqlite {
namespace {

class RestoreOverTest : public RestoreTest {
protected:
    RestoreOverTest() : target_(folder_ / "target.db") {}

    void make_target(const std::string& setup) {
        TestDatabase database(target_);
        database.run(setup);
        database.run("CREATE TABLE other (x); INSERT INTO other VALUES (randomblob(900000))");
    }
    std::filesystem::path target_;
};

TEST_F(RestoreOverTest, IsRefusedUnlessAsked) {
    stored();
    make_target("");
    const Bytes before = bytes_of(target_);
    expect_refused(request(target_), "target_not_empty");
    EXPECT_TRUE(bytes_of(target_) == before);
    expect_refused(request(source_), "target_is_source");
    std::filesystem::create_hard_link(source_, folder_ / "hard-link.db");
    expect_refused(request(folder_ / "hard-link.db"), "target_is_source");
    std::filesystem::create_symlink(source_, folder_ / "symbolic-link.db");
    expect_refused(request(folder_ / "symbolic-link.db"), "target_is_source");
}

TEST_F(RestoreOverTest, NeverReplacesWhatIsNoDatabase) {
    stored();
    write_bytes(target_, as_bytes(std::string(5000, 'x')));
    expect_refused(request(target_), "target_not_a_database");
    expect_refused(request(target_, Overwrite::yes), "target_not_a_database");
    EXPECT_EQ(bytes_of(target_).size(), 5000U);
}

struct Before {
    std::string name;
    std::string source;
    std::string target;
};

class RestoreOverShape : public RestoreOverTest, public testing::WithParamInterface<Before> {};

TEST_P(RestoreOverShape, ReplacesTheContentAndVerifies) {
    std::filesystem::remove(source_);
    {
        TestDatabase database(source_);
        database.run(GetParam().source);
        make_accounts(database, 600);
    }
    stored();
    make_target(GetParam().target);
    {
        const auto session = begin(request(target_, Overwrite::yes));
        EXPECT_TRUE(session->plan().overwrites);
        session->apply(*reader_, {});
        const RestoreReport report = session->finish(fingerprinter_, {});
        EXPECT_TRUE(report.is_verified);
        EXPECT_EQ(report.bytes_written, taken_->image.size());
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "target.db-wal"))
        << "a log as large as the database was left";
    TestDatabase restored(target_);
    const bool is_log = (GetParam().source + GetParam().target).find("WAL") != std::string::npos;
    EXPECT_EQ(restored.ask("PRAGMA journal_mode"), is_log ? "wal" : "delete");
    EXPECT_EQ(restored.ask("SELECT count(*) FROM account"), "600");
    EXPECT_EQ(restored.ask("SELECT name FROM sqlite_schema WHERE type = 'table'"), "account");
    EXPECT_EQ(restored.ask("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(restored.ask("PRAGMA page_size"), std::to_string(taken_->stream.page_bytes));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, RestoreOverShape,
    testing::Values(Before{"same", "", ""}, Before{"wal_target", "", "PRAGMA journal_mode=WAL"},
                    Before{"wal_source", "PRAGMA journal_mode=WAL", ""},
                    Before{"both_wal", "PRAGMA journal_mode=WAL", "PRAGMA journal_mode=WAL"},
                    Before{"larger_pages", "PRAGMA page_size=16384", ""},
                    Before{"largest_pages", "PRAGMA page_size=65536", ""},
                    Before{"smaller_pages", "PRAGMA page_size=512", ""},
                    Before{"other_pages_wal", "PRAGMA page_size=8192", "PRAGMA journal_mode=WAL"},
                    Before{"auto_vacuum", "PRAGMA auto_vacuum=FULL", ""}),
    [](const auto& before) { return before.param.name; });

TEST_F(RestoreOverTest, ChangesOnlyTheKnownHeaderFields) {
    stored();
    make_target("");
    restore(request(target_, Overwrite::yes));
    const Bytes restored = bytes_of(target_);
    ASSERT_EQ(restored.size(), taken_->image.size());
    std::set<std::size_t> changed;
    for (std::size_t offset = 0; offset < restored.size(); ++offset) {
        if (restored[offset] != taken_->image[offset]) {
            changed.insert(offset / 4 * 4);
        }
    }
    for (const std::size_t field : changed) {
        EXPECT_TRUE(field == 24 || field == 40 || field == 92 || field == 96) << field;
    }
    EXPECT_TRUE(
        is_same_first_page(BytesView(taken_->image).first(4096), BytesView(restored).first(4096)));
    EXPECT_FALSE(is_same_first_page(BytesView(taken_->image).subspan(4096, 4096),
                                    BytesView(restored).first(4096)));
}

TEST_F(RestoreOverTest, BringsBackALiveSourceAndOpenConnectionsSeeIt) {
    stored();
    TestDatabase open(source_);
    open.run("DELETE FROM account");
    ASSERT_EQ(open.ask("SELECT count(*) FROM account"), "0");
    const auto session = begin(request(source_, Overwrite::yes));
    EXPECT_FALSE(session->plan().warnings.empty()) << "that it is the source itself";
    session->apply(*reader_, {});
    static_cast<void>(session->finish(fingerprinter_, {}));
    EXPECT_EQ(open.ask("SELECT count(*) FROM account"), "600");
}

TEST_F(RestoreOverTest, RollsBackWhenGivenUpOrTheStreamFails) {
    for (const bool is_verifying : {true, false}) {
        stored();
        std::filesystem::remove(target_);
        make_target("");
        const Bytes before = bytes_of(target_);
        RestoreRequest wanted = request(target_, Overwrite::yes);
        wanted.verify = is_verifying;
        {
            const auto session = begin(wanted);
            session->apply(*reader_, {});
        }
        EXPECT_TRUE(bytes_of(target_) == before);
        reader_->fail_from(150'000);
        EXPECT_THROW(restore(wanted), CorruptionError);
        EXPECT_TRUE(bytes_of(target_) == before);
        std::stop_source stop;
        stop.request_stop();
        {
            const auto session = begin(wanted);
            EXPECT_THROW(session->apply(*reader_, stop.get_token()), Cancelled);
        }
        EXPECT_TRUE(bytes_of(target_) == before);
        EXPECT_EQ(folder_.names(), (std::set<std::string>{"source.db", "target.db"}));
    }
}

TEST_F(RestoreOverTest, WaitsForNobodyForEver) {
    stored();
    make_target("");
    TestDatabase other(target_);
    other.run("BEGIN EXCLUSIVE");
    ExitCode exit_code{};
    EXPECT_EQ(code_of(request(target_, Overwrite::yes), &exit_code), "target_locked");
    EXPECT_EQ(exit_code, ExitCode::source);
    other.run("ROLLBACK");
    EXPECT_EQ(other.ask("SELECT count(*) FROM other"), "1");
}

TEST_F(RestoreOverTest, CannotChangeThePageSizeUnderALogInUse) {
    std::filesystem::remove(source_);
    {
        TestDatabase database(source_);
        database.run("PRAGMA page_size=8192");
        make_accounts(database, 10);
    }
    stored();
    make_target("PRAGMA journal_mode=WAL");
    TestDatabase other(target_);
    EXPECT_EQ(other.ask("SELECT count(*) FROM other"), "1");
    EXPECT_EQ(code_of(request(target_, Overwrite::yes)), "target_locked");
    EXPECT_EQ(other.ask("PRAGMA journal_mode"), "wal");
    EXPECT_EQ(other.ask("SELECT count(*) FROM other"), "1");
}

TEST_F(RestoreOverTest, PutsTheLogBackWhenTheCopyFails) {
    std::filesystem::remove(source_);
    {
        TestDatabase database(source_);
        database.run("PRAGMA page_size=8192");
        make_accounts(database, 600);
    }
    stored().fail_from(100'000);
    make_target("PRAGMA journal_mode=WAL");
    RestoreRequest unverified = request(target_, Overwrite::yes);
    unverified.verify = false;
    EXPECT_THROW(restore(unverified), CorruptionError);
    TestDatabase target(target_);
    EXPECT_EQ(target.ask("PRAGMA journal_mode"), "wal");
    EXPECT_EQ(target.ask("SELECT count(*) FROM other"), "1");
}

TEST_F(RestoreOverTest, RestoresAnEmptyDatabaseOverAFullOne) {
    write_bytes(source_, {});
    stored();
    make_target("");
    restore(request(target_, Overwrite::yes));
    EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(RestoreOverTest, ASnapshotThatSqliteCannotReadReplacesNothing) {
    for (const std::size_t offset : {0U, 28U}) {  // the magic; the number of pages
        SCOPED_TRACE(offset);
        stored();
        std::filesystem::remove(target_);
        make_target("");
        taken_->image[offset] = 0x7f;
        reader_ = std::make_unique<MemoryReader>(*taken_, fingerprinter_);
        for (const bool is_verifying : {true, false}) {
            RestoreRequest wanted = request(target_, Overwrite::yes);
            wanted.verify = is_verifying;
            EXPECT_EQ(code_of(wanted), "source_corrupt");
            EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM other"), "1");
        }
    }
}

TEST_F(RestoreOverTest, ReplacesADatabaseWhoseWriterWasKilled) {
    stored();
    for (const char* const mode : {"DELETE", "WAL"}) {
        SCOPED_TRACE(mode);
        make_target(std::string("PRAGMA journal_mode=") + mode);
        {
            ChildProcess child([&] {
                TestDatabase database(target_);
                database.run("PRAGMA cache_size=1; CREATE TABLE late (x)");
                database.run(
                    "BEGIN; UPDATE other SET x = randomblob(900000); "
                    "INSERT INTO other VALUES (randomblob(900000))");
                ::raise(SIGKILL);
            });
            ASSERT_EQ(child.wait(), 128 + SIGKILL);
        }
        const std::string left = std::string(mode) == "WAL" ? "target.db-wal" : "target.db-journal";
        ASSERT_GT(std::filesystem::file_size(folder_ / left), 0U);
        EXPECT_TRUE(restore(request(target_, Overwrite::yes)).is_verified);
        EXPECT_FALSE(std::filesystem::exists(folder_ / left));
        EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM account"), "600");
        std::filesystem::remove(target_);
    }
}

TEST_F(RestoreOverTest, FillsAFileOfNoBytesUnderOpenConnections) {
    write_bytes(target_, {});
    TestDatabase open(target_);
    ASSERT_EQ(open.ask("SELECT count(*) FROM sqlite_schema"), "0");
    for (const bool is_verifying : {true, false}) {
        RestoreRequest wanted = request(target_);
        wanted.verify = is_verifying;
        const auto session = begin(wanted);
        EXPECT_FALSE(session->plan().overwrites);
        EXPECT_EQ(session->plan().target_state, "empty");
        session->apply(*reader_, {});
        EXPECT_EQ(session->finish(fingerprinter_, {}).is_verified, is_verifying);
        EXPECT_EQ(open.ask("SELECT count(*) FROM account"), "600");
        open.run("DELETE FROM account");
        EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM account"), "0");
        std::filesystem::resize_file(target_, 0);
    }
}

TEST_F(RestoreOverTest, FillsAFileOfNoBytesAsTheSnapshotWas) {
    {
        TestDatabase database(source_);
        database.run("PRAGMA journal_mode=WAL");
    }
    stored();
    write_bytes(target_, {});
    EXPECT_TRUE(restore(request(target_)).is_verified);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "target.db-wal"));
    EXPECT_EQ(TestDatabase(target_).ask("PRAGMA journal_mode"), "wal");

    write_bytes(source_, {});
    stored();
    std::filesystem::remove(target_);
    write_bytes(target_, {});
    EXPECT_TRUE(restore(request(target_)).is_verified);
    EXPECT_EQ(std::filesystem::file_size(target_), 0U);
}

TEST_F(RestoreOverTest, NeverLosesWhatFilledTheFileMeanwhile) {
    stored();
    for (const bool is_verifying : {true, false}) {
        for (const bool is_after_apply : {true, false}) {
            write_bytes(target_, {});
            RestoreRequest wanted = request(target_);
            wanted.verify = is_verifying;
            const auto session = begin(wanted);
            if (is_after_apply && is_verifying) {
                session->apply(*reader_, {});  // without it, this takes the lock
            }
            TestDatabase(target_).run("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
            try {
                if (!is_after_apply || !is_verifying) {
                    session->apply(*reader_, {});
                }
                static_cast<void>(session->finish(fingerprinter_, {}));
                ADD_FAILURE() << "replaced";
            } catch (const ConfigError& error) {
                EXPECT_EQ(error.code(), "target_not_empty");
            }
            EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM precious"), "1");
        }
    }
}

TEST_F(RestoreOverTest, VerifyFindsAChangedByte) {
    stored();
    make_target("");
    // In a blob, where integrity_check sees nothing wrong.
    const auto place = std::search_n(reader_->image().begin() + 4096, reader_->image().end(), 1,
                                     std::uint8_t{0xab});
    *place ^= 1U;
    ExitCode exit_code{};
    EXPECT_NE(code_of(request(target_, Overwrite::yes), &exit_code), "");
    EXPECT_TRUE(exit_code == ExitCode::corruption || exit_code == ExitCode::source);
}

}  // namespace
}  // namespace dbbackup::sqlite
