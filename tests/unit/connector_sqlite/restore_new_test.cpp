/// @file
/// Restoring to a new path: the same bytes, durable, whole or not there at all.

#include "restore_sample.hpp"
#include "sys/file.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

namespace dbbackup::sqlite {
namespace {

using RestoreNewTest = RestoreTest;

TEST_F(RestoreNewTest, GivesTheSameBytes) {
    stored();
    const auto target = folder_ / "restored.db";
    const auto session = begin(request(target));
    EXPECT_EQ(session->plan().bytes_needed, taken_->image.size());
    EXPECT_GT(session->plan().bytes_free, 0U);
    EXPECT_FALSE(session->plan().overwrites);
    EXPECT_FALSE(std::filesystem::exists(target)) << "planning wrote";
    session->apply(*reader_, {});
    EXPECT_FALSE(std::filesystem::exists(target)) << "visible before it was finished";
    const RestoreReport report = session->finish(fingerprinter_, {});
    EXPECT_TRUE(report.is_verified);
    EXPECT_EQ(report.bytes_written, taken_->image.size());
    EXPECT_TRUE(report.warnings.empty());
    EXPECT_TRUE(bytes_of(target) == bytes_of(source_));
    EXPECT_EQ(folder_.names(), (std::set<std::string>{"restored.db", "source.db"}));
}

TEST_F(RestoreNewTest, RestoresADatabaseWithALogWithoutMakingOne) {
    {
        TestDatabase database(source_);
        database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
        database.run("UPDATE account SET balance = 3");
        stored();
    }
    EXPECT_TRUE(restore(request(folder_ / "restored.db")).is_verified);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "restored.db-wal"));
    TestDatabase restored(folder_ / "restored.db");
    EXPECT_EQ(restored.ask("SELECT sum(balance) FROM account"), "1800");
    EXPECT_EQ(restored.ask("PRAGMA journal_mode"), "wal");
}

TEST_F(RestoreNewTest, RestoresAnEmptyDatabase) {
    write_bytes(source_, {});
    stored();
    EXPECT_EQ(restore(request(folder_ / "restored.db")).bytes_written, 0U);
    EXPECT_EQ(std::filesystem::file_size(folder_ / "restored.db"), 0U);
}

TEST_F(RestoreNewTest, KeepsOwnerAndMode) {
    ASSERT_EQ(::chmod(source_.c_str(), 0640), 0);
    const bool is_root = ::getuid() == 0;
    if (is_root) {
        ASSERT_EQ(::chown(source_.c_str(), 1234, 4321), 0);
    }
    stored();
    const RestoreReport report = restore(request(folder_ / "restored.db"));
    struct stat status{};
    ASSERT_EQ(::stat((folder_ / "restored.db").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0640U);
    if (is_root) {
        EXPECT_EQ(status.st_uid, 1234U);
        EXPECT_EQ(status.st_gid, 4321U);
    }
    EXPECT_TRUE(report.warnings.empty());
}

TEST_F(RestoreNewTest, SaysWhenTheOwnerCouldNotBeKept) {
    stored();
    ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
    if (::getuid() != 0) {
        GTEST_SKIP() << "needs root, to be somebody else afterwards";
    }
    ChildProcess child([&] {
        if (::setuid(65534) != 0) {
            ::_exit(2);
        }
        ::_exit(restore(request(folder_ / "restored.db")).warnings.size() == 1 ? 0 : 1);
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(RestoreNewTest, NeverReplacesWhatAppearedMeanwhile) {
    const auto target = folder_ / "restored.db";
    const auto session = begin(request(target));
    session->apply(*reader_, {});
    write_bytes(target, as_bytes("precious"));
    EXPECT_THROW(static_cast<void>(session->finish(fingerprinter_, {})), ConfigError);
    EXPECT_EQ(as_text(bytes_of(target)), "precious");
}

TEST_F(RestoreNewTest, RefusesAJournalThatAppearedMeanwhile) {
    const auto session = begin(request(folder_ / "restored.db"));
    session->apply(*reader_, {});
    write_bytes(folder_ / "restored.db-wal", as_bytes("old"));
    EXPECT_THROW(static_cast<void>(session->finish(fingerprinter_, {})), ConfigError);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "restored.db"));
}

TEST_F(RestoreNewTest, LeavesNothingWhenGivenUp) {
    stored();
    const auto before = folder_.names();
    {
        const auto session = begin(request(folder_ / "restored.db"));
        session->apply(*reader_, {});
        if (File::unnamed(folder_.path())) {
            EXPECT_EQ(folder_.names(), before) << "a kill would leave it";
        }
    }
    EXPECT_EQ(folder_.names(), before);
}

TEST_F(RestoreNewTest, LeavesNothingWhenTheStreamFailsOrIsStopped) {
    stored().fail_from(200'000);
    const auto before = folder_.names();
    EXPECT_THROW(restore(request(folder_ / "restored.db")), CorruptionError);
    EXPECT_EQ(folder_.names(), before);

    std::stop_source stop;
    stop.request_stop();
    stored();
    const auto session = begin(request(folder_ / "restored.db"));
    EXPECT_THROW(session->apply(*reader_, stop.get_token()), Cancelled);
    EXPECT_EQ(folder_.names(), before);
    session->apply(*reader_, {});
    EXPECT_THROW(static_cast<void>(session->finish(fingerprinter_, stop.get_token())), Cancelled);
    EXPECT_EQ(folder_.names(), before);
}

TEST_F(RestoreNewTest, VerifyFindsAChangedByte) {
    stored().image()[5000] ^= 1U;
    const auto before = folder_.names();
    ExitCode exit_code{};
    EXPECT_NE(code_of(request(folder_ / "restored.db"), &exit_code), "");
    EXPECT_EQ(exit_code, ExitCode::corruption);
    EXPECT_EQ(folder_.names(), before);
}

TEST_F(RestoreNewTest, VerifyFindsADatabaseThatWasDamagedAlready) {
    Bytes file = bytes_of(source_);
    std::fill_n(file.begin() + 8 * 4096, 2000,
                std::uint8_t{0xee});  // inside a leaf: not seen cheaply
    write_bytes(source_, file);
    stored();
    ExitCode exit_code{};
    EXPECT_EQ(code_of(request(folder_ / "restored.db"), &exit_code), "source_corrupt");
    EXPECT_EQ(exit_code, ExitCode::source);
    RestoreRequest unverified = request(folder_ / "restored.db");
    unverified.verify = false;
    EXPECT_EQ(code_of(unverified), "");
    EXPECT_TRUE(bytes_of(folder_ / "restored.db") == file);
}

TEST_F(RestoreNewTest, RefusesPathsThatCannotBeWritten) {
    stored();
    expect_refused(request(folder_ / "no-folder/restored.db"), "target_missing_folder");
    expect_refused(request(source_ / "restored.db"), "target_not_writable");
    expect_refused(request("/proc/restored.db"), "target_not_writable");
    expect_refused(request(folder_.path()), "target_is_folder");
    expect_refused(request(folder_.path().native() + "/"), "target_is_folder");
    expect_refused(request(""), "target_missing");
    expect_refused(request("/dev/null"), "target_not_a_database");
    std::filesystem::create_symlink("/proc/nowhere/x.db", folder_ / "link.db");
    expect_refused(request(folder_ / "link.db"), "target_not_writable");
}

TEST_F(RestoreNewTest, RefusesAJournalThatWouldBePlayedIntoIt) {
    stored();
    for (const char* const suffix : {"-journal", "-wal"}) {
        const auto journal = folder_ / ("restored.db" + std::string(suffix));
        write_bytes(journal, as_bytes("old"));
        expect_refused(request(folder_ / "restored.db"), "target_has_journal");
        std::filesystem::remove(journal);
    }
    EXPECT_EQ(code_of(request(folder_ / "restored.db")), "");
}

TEST_F(RestoreNewTest, RefusesStreamsOfAnotherKind) {
    stored();
    StoredStream rows = reader_->stream();
    rows.kind = StreamKind::rows;
    const auto connector = make_sqlite_connector({});
    EXPECT_THROW(static_cast<void>(connector->restore(request(folder_ / "x.db"), {rows}, {})),
                 ConfigError);
    EXPECT_THROW(static_cast<void>(connector->restore(request(folder_ / "x.db"), {}, {})),
                 ConfigError);
}

TEST_F(RestoreNewTest, AFullDiskLeavesNothing) {
    stored();
    const auto before = folder_.names();
    // Writing past the limit fails with EFBIG, which is handled as ENOSPC is.
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit small = {100'000, limit.rlim_max};
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    ExitCode exit_code{};
    const std::string code = code_of(request(folder_ / "restored.db"), &exit_code);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::signal(SIGXFSZ, old_handler);
    EXPECT_EQ(code, "target_full");
    EXPECT_EQ(exit_code, ExitCode::source);
    EXPECT_EQ(folder_.names(), before);
}

TEST_F(RestoreNewTest, TooLittleSpaceIsPlannedAndRefused) {
    stored();
    std::filesystem::create_directory(folder_ / "small");
    // In a child, so that the mount is seen by nobody else and ends with it.
    ChildProcess child([&] {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", (folder_ / "small").c_str(), "tmpfs", 0, "size=64k") != 0) {
            ::_exit(77);
        }
        const auto session = begin(request(folder_ / "small/restored.db"));
        if (session->plan().warnings.empty()) {
            ::_exit(1);
        }
        const std::string code = code_of(request(folder_ / "small/restored.db"));
        ::_exit(code == "target_full" && std::filesystem::is_empty(folder_ / "small") ? 0 : 2);
    });
    const int status = child.wait();
    if (status == 77) {
        GTEST_SKIP() << "may not mount here";
    }
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace dbbackup::sqlite
