/// @file
/// Sources that cannot be read, or not be trusted: which error, which code, and nothing changed.

#include "connector/sqlite/sqlite_connector.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <thread>
#include <vector>

namespace dbbackup::sqlite {
namespace {

constexpr uid_t kNobody = 65534;

/// The code of the error that a probe and a backup of `options` end with; "" if they succeed.
std::string code_of(SourceOptions options) {
    const auto connector = make_sqlite_connector(std::move(options));
    std::string code;
    try {
        static_cast<void>(connector->probe({}));
    } catch (const SourceError& error) {
        code = error.code();
        EXPECT_FALSE(error.hint().empty()) << error.what();
    }
    try {
        static_cast<void>(take(*connector));
        EXPECT_EQ(code, "");
    } catch (const SourceError& error) {
        EXPECT_EQ(code, error.code()) << error.what();
        EXPECT_EQ(error.exit_code(), ExitCode::source);
    }
    return code;
}

SourceOptions impatient(const std::filesystem::path& path) {
    SourceOptions options = source_at(path);
    options.lock_timeout = std::chrono::milliseconds(20);
    return options;
}

std::filesystem::path make_shop(const TestFolder& folder) {
    const auto path = folder / "shop.db";
    TestDatabase database(path);
    make_accounts(database, 300);
    return path;
}

TEST(SqliteSource, MissingIsSaid) {
    const TestFolder folder;
    EXPECT_EQ(code_of(source_at(folder / "none.db")), "source_missing");
    EXPECT_EQ(code_of(source_at(folder / "no-folder" / "none.db")), "source_missing");
    EXPECT_TRUE(folder.names().empty()) << "a backup made a database";
}

TEST(SqliteSource, WhatIsNoDatabaseIsRefused) {
    const TestFolder folder;
    write_bytes(folder / "notes.txt", as_bytes(std::string(5000, 'x')));
    EXPECT_EQ(code_of(source_at(folder / "notes.txt")), "not_a_database");
    EXPECT_EQ(code_of(source_at(folder.path())), "not_a_database");
    SourceOptions options = source_at(folder / "notes.txt");
    options.allow_corrupt = true;
    EXPECT_EQ(code_of(std::move(options)), "not_a_database");
}

/// Opening a pipe would wait for ever.
TEST(SqliteSource, PipesBesideItAreRefused) {
    for (const char* const name : {"shop.db-journal", "shop.db-wal", "shop.db-shm"}) {
        const TestFolder folder;
        const auto path = make_shop(folder);
        ASSERT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
        EXPECT_EQ(code_of(source_at(path)), "source_unreadable") << name;
    }
}

TEST(SqliteSource, UnreadableIsSaid) {
    const TestFolder folder;
    const auto path = make_shop(folder);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0000), 0);
    ChildProcess child([&] {
        if (::getuid() == 0 && ::setuid(kNobody) != 0) {
            ::_exit(2);
        }
        ::_exit(code_of(source_at(path)) == "source_unreadable" ? 0 : 1);
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST(SqliteSource, LockedIsSaidAfterTheTimeout) {
    const TestFolder folder;
    const auto path = make_shop(folder);
    TestDatabase other(path);
    other.run("BEGIN EXCLUSIVE");
    EXPECT_EQ(code_of(impatient(path)), "source_locked");
}

TEST(SqliteSource, WaitingForALockCanBeCancelled) {
    const TestFolder folder;
    const auto path = make_shop(folder);
    TestDatabase other(path);
    other.run("BEGIN EXCLUSIVE");
    SourceOptions options = source_at(path);
    options.lock_timeout = std::chrono::hours(1);
    const auto connector = make_sqlite_connector(std::move(options));
    std::stop_source stop;
    std::jthread canceller([&] { stop.request_stop(); });
    EXPECT_THROW(static_cast<void>(connector->begin({}, stop.get_token())), Cancelled);
}

TEST(SqliteSource, SelectionAndNativeToolAreRefused) {
    const TestFolder folder;
    const auto path = make_shop(folder);
    BackupRequest request;
    request.is_native = true;
    const auto native = make_sqlite_connector(source_at(path));
    EXPECT_THROW(static_cast<void>(native->begin(request, {})), ConfigError);
    SourceOptions options = source_at(path);
    options.exclude = {"account"};
    const auto selecting = make_sqlite_connector(std::move(options));
    EXPECT_THROW(static_cast<void>(selecting->probe({})), ConfigError);
}

struct Damage {
    std::string name;
    void (*make)(Bytes& file);
};

class SqliteDamage : public testing::TestWithParam<Damage> {};

TEST_P(SqliteDamage, IsRefusedUnlessAllowed) {
    const TestFolder folder;
    const auto path = make_shop(folder);
    Bytes file = bytes_of(path);
    GetParam().make(file);
    write_bytes(path, file);

    EXPECT_EQ(code_of(source_at(path)), "source_corrupt");
    SourceOptions options = source_at(path);
    options.allow_corrupt = true;
    const auto connector = make_sqlite_connector(std::move(options));
    const Taken taken = take(*connector);
    EXPECT_TRUE(taken.end.is_incomplete);
    EXPECT_EQ(taken.end.consistency, Consistency::none);
    EXPECT_EQ(taken.stream.consistency, Consistency::none);
    EXPECT_FALSE(taken.end.warnings.empty());
    file.resize((file.size() + 4095) / 4096 * 4096);
    EXPECT_TRUE(taken.image == file) << taken.image.size() << " bytes of " << file.size();
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SqliteDamage,
    testing::Values(
        Damage{"pages_cut_off", [](Bytes& file) { file.resize(file.size() - 3 * 4096); }},
        Damage{"last_page_cut", [](Bytes& file) { file.resize(file.size() - 100); }},
        Damage{"free_list", [](Bytes& file) { file[33] = 0x7f; }},
        Damage{"schema_page", [](Bytes& file) { file[100] = 0x77; }},
        Damage{"root_page", [](Bytes& file) { std::fill_n(file.begin() + 4096, 4096, 0); }}),
    [](const auto& damage) { return damage.param.name; });

/// Changes bytes from another process: doing it here would drop this process's locks.
void overwrite_elsewhere(const std::filesystem::path& path,
                         const std::vector<std::streamoff>& offsets) {
    ChildProcess child([&] {
        std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
        for (const std::streamoff offset : offsets) {
            file.seekp(offset);
            file.put('\x42');
        }
        file.close();
        ::_exit(file.good() ? 0 : 1);
    });
    ASSERT_EQ(child.wait(), 0);
}

TEST(SqliteSource, AWriterThatIgnoresLocksIsNoticed) {
    const TestFolder folder;
    const auto path = make_shop(folder);
    const auto connector = make_sqlite_connector(source_at(path));
    const auto session = connector->begin({}, {});
    static_cast<void>(session->plan());
    overwrite_elsewhere(path, {27});
    try {
        static_cast<void>(session->finish({}));
        FAIL() << "a view that was lost made a snapshot";
    } catch (const SourceError& error) {
        EXPECT_EQ(error.code(), "view_lost");
    }
}

TEST(SqliteSource, ALogThatIsStartedOverUnderTheViewIsNoticed) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    TestDatabase database(path);
    database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    make_accounts(database, 100);
    const auto connector = make_sqlite_connector(source_at(path));
    const auto session = connector->begin({}, {});
    const StreamPlan stream = session->plan().at(0);
    const auto log_bytes = std::filesystem::file_size(path.native() + "-wal");
    std::vector<std::streamoff> salts = {16};  // of the log, then of each frame
    for (std::uintmax_t frame = 32; frame < log_bytes; frame += 24 + 4096) {
        salts.push_back(static_cast<std::streamoff>(frame) + 8);
    }
    overwrite_elsewhere(path.native() + "-wal", salts);
    EXPECT_THROW(static_cast<void>(session->finish({})), SourceError);
    Bytes image;
    CollectingSink sink(stream.page_bytes, image);
    EXPECT_THROW(session->read(stream, stream.segments.at(0), sink, {}), SourceError);
}

/// Runs a backup as a user who may write nothing, in a folder with `folder_mode`.
int backup_as_nobody(const TestFolder& folder, const std::filesystem::path& path, mode_t file_mode,
                     mode_t folder_mode) {
    if (::chmod(path.c_str(), file_mode) != 0 || ::chmod(folder.path().c_str(), folder_mode) != 0) {
        return 90;
    }
    ChildProcess child([&] {
        if (::getuid() == 0 && ::setuid(kNobody) != 0) {
            ::_exit(91);
        }
        try {
            const Taken taken = take(*make_sqlite_connector(source_at(path)));
            ::_exit(taken.end.warnings.empty() ? 0 : 1);
        } catch (const SourceError& error) {
            ::_exit(error.code() == "source_unreadable" ? 2 : 92);
        }
    });
    const int status = child.wait();
    ::chmod(folder.path().c_str(), 0700);
    return status;
}

TEST(SqliteSource, AReadOnlyMediumIsReadWithoutLocksAndSaysSo) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    {
        TestDatabase database(path);
        database.run("PRAGMA journal_mode=WAL");
        make_accounts(database, 50);
    }
    ASSERT_EQ(folder.names(), std::set<std::string>{"shop.db"});
    EXPECT_EQ(backup_as_nobody(folder, path, 0444, 0555), 1) << "1: done, with a warning";
    EXPECT_EQ(folder.names(), std::set<std::string>{"shop.db"});
    // Somebody else may write here, so it is read under a lock (at_rest_test.cpp), without warning.
    EXPECT_EQ(backup_as_nobody(folder, path, 0644, 0755), 0);
    EXPECT_EQ(folder.names(), std::set<std::string>{"shop.db"});
    // Neither way reads the log, so a log with content must not be left out.
    write_bytes(path.native() + "-wal", as_bytes("frames"));
    EXPECT_EQ(backup_as_nobody(folder, path, 0444, 0555), 2);
    EXPECT_EQ(backup_as_nobody(folder, path, 0644, 0755), 2);
}

TEST(SqliteSource, AReaderWithoutWritePermissionJoinsARunningApplication) {
    const TestFolder folder;
    const auto path = folder / "shop.db";
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    ChildProcess application([&] {
        TestDatabase database(path);
        database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
        make_accounts(database, 50);
        if (::write(ready[1], "r", 1) == 1) {
            ::pause();
        }
    });
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(backup_as_nobody(folder, path, 0644, 0755), 0);
    ::close(ready[0]);
    ::close(ready[1]);
}

}  // namespace
}  // namespace dbbackup::sqlite
