/// @file
/// A database in WAL mode that is closed, read by a user who must not make its log: what other
/// programs do meanwhile either does not matter or is noticed.
///
/// Method: a process with another user holds a session, and has the owner's process do something
/// before the session ends. Deterministic: each waits for the other.

#include "connector/sqlite/sqlite_connector.hpp"
#include "sample_database.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

namespace dbbackup::sqlite {
namespace {

constexpr uid_t kNobody = 65534;

/// Two processes in turns: `ask` lets the other one act and returns when it has.
class Turns {
public:
    Turns() {
        if (::pipe(there_.data()) != 0 || ::pipe(back_.data()) != 0) {
            throw std::runtime_error("cannot make a pipe");
        }
    }
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;
    ~Turns() {
        for (const int end : {there_[0], there_[1], back_[0], back_[1]}) {
            ::close(end);
        }
    }
    void ask() const {
        pass(there_[1]);
        await(back_[0]);
    }
    void answer(const std::function<void()>& act) const {
        await(there_[0]);
        act();
        pass(back_[1]);
    }

private:
    static void pass(int end) {
        if (::write(end, "x", 1) != 1) {
            throw std::runtime_error("the other process is gone");
        }
    }
    static void await(int end) {
        char byte = 0;
        if (::read(end, &byte, 1) != 1) {
            throw std::runtime_error("the other process is gone");
        }
    }
    std::array<int, 2> there_{};
    std::array<int, 2> back_{};
};

class SqliteAtRest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root can be another user";
        }
        ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
        TestDatabase database(path_);
        database.run("PRAGMA journal_mode=WAL");
        make_accounts(database, 3000);
    }

    /// The code of the error with which a session of another user ends; "" if it has the image
    /// `wanted`. The owner does `act` in the middle of it.
    std::string code_beside(const Bytes& wanted, const std::function<void()>& act) {
        const Turns turns;
        ChildProcess owner([&] { turns.answer(act); });
        std::array<int, 2> result{};
        EXPECT_EQ(::pipe(result.data()), 0);
        ChildProcess reader([&] {
            if (::setuid(kNobody) != 0) {
                ::_exit(2);
            }
            const std::string code = session_code(wanted, turns);
            ::_exit(::write(result[1], code.data(), code.size()) ==
                            static_cast<ssize_t>(code.size())
                        ? 0
                        : 3);
        });
        EXPECT_EQ(reader.wait(), 0);
        EXPECT_EQ(owner.wait(), 0);
        ::close(result[1]);
        std::string code(100, '\0');
        code.resize(static_cast<std::size_t>(::read(result[0], code.data(), code.size())));
        ::close(result[0]);
        return code;
    }

    std::string session_code(const Bytes& wanted, const Turns& turns) const {
        try {
            const auto connector = make_sqlite_connector(source_at(path_));
            const auto session = connector->begin({}, {});
            const StreamPlan stream = session->plan().at(0);
            turns.ask();
            Bytes image;
            CollectingSink sink(stream.page_bytes, image);
            for (const SegmentPlan& segment : stream.segments) {
                session->read(stream, segment, sink, {});
            }
            static_cast<void>(session->finish({}));
            return image == wanted ? "" : "another image";
        } catch (const SourceError& error) {
            return error.code();
        }
    }

    TestFolder folder_;
    std::filesystem::path path_ = folder_ / "shop.db";
};

TEST_F(SqliteAtRest, NothingIsMadeBesideIt) {
    EXPECT_EQ(code_beside(bytes_of(path_), [] {}), "");
    EXPECT_EQ(folder_.names(), std::set<std::string>{"shop.db"});
}

TEST_F(SqliteAtRest, WhatIsWrittenToANewLogDoesNotMatter) {
    const Bytes before = bytes_of(path_);
    const auto write = [&] {
        TestDatabase database(path_);
        database.run("PRAGMA wal_autocheckpoint=0; UPDATE account SET balance = balance + 1");
    };
    EXPECT_EQ(code_beside(before, write), "");
    // Closing while a reader holds the database neither copies the log back nor removes it.
    EXPECT_EQ(folder_.names(), (std::set<std::string>{"shop.db", "shop.db-shm", "shop.db-wal"}));
    EXPECT_TRUE(bytes_of(path_) == before);
}

TEST_F(SqliteAtRest, ACheckpointIsNoticed) {
    const auto checkpoint = [&] {
        TestDatabase database(path_);
        database.run("UPDATE account SET balance = balance + 1; PRAGMA wal_checkpoint(TRUNCATE)");
    };
    EXPECT_EQ(code_beside(bytes_of(path_), checkpoint), "view_lost");
}

/// Times that a program can set prove nothing; and the same bytes may have been others between.
TEST_F(SqliteAtRest, ACheckpointIsNoticedWithTheOldBytesAndTimes) {
    struct stat before{};
    ASSERT_EQ(::stat(path_.c_str(), &before), 0);
    const Bytes file = bytes_of(path_);
    const auto write_back = [&] {
        write_bytes(path_, file);
        const std::array<timespec, 2> times = {before.st_atim, before.st_mtim};
        if (::utimensat(AT_FDCWD, path_.c_str(), times.data(), 0) != 0) {
            throw std::runtime_error("cannot set the times");
        }
    };
    EXPECT_EQ(code_beside(file, write_back), "view_lost");
}

TEST_F(SqliteAtRest, LeavingWalModeWaits) {
    const auto leave = [&] {
        sqlite3* opened = nullptr;
        const int code = sqlite3_open(path_.c_str(), &opened);
        const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, sqlite3_close);
        // No patience: the reader waits for this process.
        const bool is_refused =
            code == SQLITE_OK && sqlite3_exec(opened, "PRAGMA journal_mode=DELETE", nullptr,
                                              nullptr, nullptr) == SQLITE_BUSY;
        if (!is_refused) {
            throw std::runtime_error("it left WAL mode under a reader");
        }
    };
    EXPECT_EQ(code_beside(bytes_of(path_), leave), "");
}

TEST_F(SqliteAtRest, ADatabaseThatItsOwnerHoldsExclusivelyIsLocked) {
    TestDatabase owner(path_);
    owner.run("PRAGMA locking_mode=EXCLUSIVE; UPDATE account SET balance = 0");
    ChildProcess reader([&] {
        SourceOptions options = source_at(path_);
        options.lock_timeout = std::chrono::milliseconds(20);
        if (::setuid(kNobody) != 0) {
            ::_exit(2);
        }
        try {
            static_cast<void>(make_sqlite_connector(std::move(options))->begin({}, {}));
        } catch (const SourceError& error) {
            ::_exit(error.code() == "source_locked" ? 7 : 3);
        }
    });
    EXPECT_EQ(reader.wait(), 7);
}

}  // namespace
}  // namespace dbbackup::sqlite
