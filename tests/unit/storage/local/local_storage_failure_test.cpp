/// @file
/// Full disks, failing disks and death while an object is written: nothing half-written may show or
/// stay, and the store must be usable afterwards.

#include "base/error.hpp"
#include "base/units.hpp"
#include "unit/storage/local/local_place.hpp"
#include "unit/storage/local/system_calls.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <system_error>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const ObjectName kName("packs/ab/1");
const Bytes kContent(3'000'000, 0x5a);  // Three steps of writing.

class LocalStoreFailure : public LocalStore {};

struct FailingStep {
    SystemCall call;
    int nth;
    const char* what;
};
/// Everything that happens to the file before its name stands. The first fsync is the file's.
constexpr std::array<FailingStep, 4> kSteps = {{{SystemCall::pwrite, 1, "first write"},
                                                {SystemCall::pwrite, 3, "last write"},
                                                {SystemCall::fsync, 1, "fsync of the file"},
                                                {SystemCall::renameat2, 1, "rename"}}};

TEST_F(LocalStoreFailure, LeavesNothingWhereverTheDiskIsFull) {
    for (const int error_number : {ENOSPC, EDQUOT, EIO}) {
        for (const FailingStep& step : kSteps) {
            SCOPED_TRACE(testing::Message() << step.what << " fails with " << error_number);
            {
                const FailingCall failing(step.call, step.nth, error_number);
                try {
                    storage_->put(kName, kContent, {});
                    ADD_FAILURE() << "the put succeeded";
                } catch (const StorageError& error) {
                    const std::string reason = std::generic_category().message(error_number);
                    EXPECT_EQ(error.what(),
                              "cannot store packs/ab/1 in " + root_.string() + ": " + reason);
                    EXPECT_THAT(error.hint(), testing::EndsWith("."));
                    EXPECT_EQ(error.code(), error_number == EIO ? "storage" : "storage_full");
                    EXPECT_EQ(error.retry(), Retry::never);
                }
                EXPECT_TRUE(failing.has_failed());
            }
            EXPECT_EQ(files(), 0U) << "something was left behind";
            EXPECT_EQ(names_in(*storage_), std::set<std::string>{});
            EXPECT_EQ(storage_->put(kName, kContent, {}), PutResult::created);
            EXPECT_TRUE(storage_->get(kName, {}) == kContent);
            storage_->remove(kName, {});
        }
    }
}

TEST_F(LocalStoreFailure, LeavesNothingOfAnUploadWhereverTheDiskIsFull) {
    for (const FailingStep& step : kSteps) {
        SCOPED_TRACE(step.what);
        {
            const FailingCall failing(step.call, step.nth, ENOSPC);
            const auto upload_all = [this] {
                const std::unique_ptr<Upload> upload = storage_->begin_upload(kName, {});
                upload->write(kContent, {});
                upload->commit({});
            };
            try {
                upload_all();
                ADD_FAILURE() << "the upload succeeded";
            } catch (const StorageError& error) {
                EXPECT_EQ(error.what(), "cannot store packs/ab/1 in " + root_.string() +
                                            ": No space left on device");
                EXPECT_EQ(error.code(), "storage_full");
            }
            EXPECT_TRUE(failing.has_failed());
        }
        EXPECT_EQ(files(), 0U) << "something was left behind";
    }
}

TEST_F(LocalStoreFailure, GoesOnWithAnUploadWhereItStopped) {
    for (const FailingStep& step : kSteps) {
        SCOPED_TRACE(step.what);
        const std::unique_ptr<Upload> upload = storage_->begin_upload(kName, {});
        const FailingCall failing(step.call, step.nth, ESTALE);
        const auto persist = [](const auto& action) {
            try {
                return action();
            } catch (const StorageError& error) {
                EXPECT_EQ(error.retry(), Retry::may_help);
                return action();
            }
        };
        persist([&] { upload->write(kContent, {}); });
        EXPECT_EQ(persist([&] { return upload->commit({}); }), PutResult::created);
        EXPECT_TRUE(failing.has_failed());
        EXPECT_TRUE(storage_->get(kName, {}) == kContent);
        storage_->remove(kName, {});
    }
}

TEST_F(LocalStoreFailure, SyncsAnUploadBeforeItsName) {
    const WatchedCalls watched;
    const std::unique_ptr<Upload> upload = storage_->begin_upload(kName, {});
    upload->write(kContent, {});
    EXPECT_EQ(upload->commit({}), PutResult::created);
    std::string calls;
    for (const std::string& call : watched.seen()) {
        calls += call.substr(0, call.find(' ')) + ' ';
    }
    EXPECT_THAT(calls, testing::HasSubstr("pwrite fsync fsync fsync renameat2 fsync"));
}

TEST_F(LocalStoreFailure, WritesOnWhereTheFileSystemRefusesToBypassTheCache) {
    for (const int refused : {1, 2}) {
        const FailingCall failing(SystemCall::pwrite, refused, EINVAL);
        EXPECT_EQ(storage_->put(kName, kContent, {}), PutResult::created) << "write " << refused;
        EXPECT_TRUE(failing.has_failed());
        EXPECT_TRUE(storage_->get(kName, {}) == kContent);
        storage_->remove(kName, {});
    }
}

TEST_F(LocalStoreFailure, ReportsAFolderThatCannotBeSynced) {
    storage_->put(ObjectName("packs/ab/0"), {}, {});
    {
        const FailingCall failing(SystemCall::fsync, 2, EIO);  // After the rename.
        EXPECT_THROW(storage_->put(kName, as_bytes("x"), {}), StorageError);
        EXPECT_TRUE(failing.has_failed());
    }
    // The name stands, so others may rely on it already: it is not taken away, and whoever tries
    // again syncs the folder before it is told "exists".
    const WatchedCalls watched;
    EXPECT_EQ(storage_->put(kName, as_bytes("x"), {}), PutResult::exists);
    EXPECT_EQ(watched.seen(), std::vector<std::string>{"fsync " + (root_ / "packs/ab").string()});
}

TEST_F(LocalStoreFailure, StopsAtTheLimitForFileSizes) {
    // A real refusal by the kernel that needs no rights: files may not grow beyond 1 MiB. In a
    // child, because the limit cannot be raised again.
    const int status = status_of_child([this] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1_MiB, 1_MiB};
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        try {
            storage_->put(kName, kContent, {});
            ADD_FAILURE() << "the put succeeded";
        } catch (const StorageError& error) {
            EXPECT_THAT(error.what(), HasSubstr("File too large"));
            EXPECT_EQ(error.code(), "storage_full");
        }
        EXPECT_EQ(files(), 0U);
        EXPECT_EQ(storage_->put(kName, as_bytes("small"), {}), PutResult::created);
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(names_in(*storage_), std::set<std::string>{kName.text()});
}

TEST_F(LocalStoreFailure, SurvivesAReallyFullDisk) {
    // Needs a mount of its own, which containers often forbid; the two tests above always run.
    constexpr int kNoMount = 77;
    const int status = status_of_child([this] {
        if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0) {
            ::_exit(kNoMount);
        }
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
            ::_exit(kNoMount);
        }
        const auto small = open_local(folder_.path() / "small");
        EXPECT_EQ(small->put(ObjectName("a"), kContent, {}), PutResult::created);
        for (int attempt = 0; attempt < 3; ++attempt) {
            try {
                small->put(kName, kContent, {});
                ADD_FAILURE() << "the put succeeded";
            } catch (const StorageError& error) {
                EXPECT_THAT(error.what(), HasSubstr("No space left on device"));
                EXPECT_THAT(error.hint(), HasSubstr("Free space"));
            }
        }
        EXPECT_EQ(small->put(ObjectName("a"), kContent, {}), PutResult::exists);
        small->remove(ObjectName("a"), {});
        EXPECT_EQ(small->put(kName, kContent, {}), PutResult::created);
        EXPECT_EQ(names_in(*small), std::set<std::string>{kName.text()});
    });
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNoMount) {
        GTEST_SKIP() << "this user may not mount a small file system";
    }
    EXPECT_EQ(status, 0);
}

TEST_F(LocalStoreFailure, ShowsNothingOfAWriterThatDied) {
    for (const FailingStep& step : kSteps) {
        SCOPED_TRACE(testing::Message() << "dies at the " << step.what);
        const int status = status_of_child([&] {
            die_at(step.call, step.nth);
            storage_->put(kName, kContent, {});
        });
        ASSERT_TRUE(WIFEXITED(status));
        ASSERT_EQ(WEXITSTATUS(status), 9) << "the child was to die, and did not";
        EXPECT_EQ(names_in(*storage_), std::set<std::string>{});
        EXPECT_EQ(storage_->get(kName, {}), std::nullopt);
        EXPECT_EQ(storage_->put(kName, as_bytes("next"), {}), PutResult::created);
        storage_->remove(kName, {});
    }
    EXPECT_EQ(files(), kSteps.size()) << "the dead left files under hidden names, one each";
}

void make_older(const fs::path& file, std::chrono::hours age) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - age);
}

TEST_F(LocalStoreFailure, ClearsAwayWhatTheDeadLeft) {
    const fs::path hidden = root_ / ".tmp";
    fs::create_directory(hidden);
    for (const char* name : {"dead", "young", "alive"}) {
        std::ofstream(hidden / name) << "half";
    }
    make_older(hidden / "dead", std::chrono::hours(2));
    make_older(hidden / "alive", std::chrono::hours(2));
    const int locked = ::open((hidden / "alive").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::flock(locked, LOCK_EX), 0);

    EXPECT_EQ(storage_->put(kName, {}, {}), PutResult::created);

    EXPECT_FALSE(fs::exists(hidden / "dead"));
    EXPECT_TRUE(fs::exists(hidden / "young"));
    EXPECT_TRUE(fs::exists(hidden / "alive"));
    ::close(locked);
}

TEST_F(LocalStoreFailure, SyncsTheFileBeforeItsNameAndFoldersUpToTheRoot) {
    const auto in_root = [this](std::string_view call, std::string_view path) {
        return std::string(call) + " " + (root_ / path).string();
    };
    const auto without_writes = [](const WatchedCalls& watched) {
        std::vector<std::string> calls;
        for (const std::string& call : watched.seen()) {
            if (!call.starts_with("pwrite")) {
                calls.push_back(call);
            }
        }
        return calls;
    };
    {
        const WatchedCalls watched;
        storage_->put(kName, as_bytes("x"), {});
        const std::vector<std::string> calls = without_writes(watched);
        ASSERT_EQ(calls.size(), 5U);
        EXPECT_THAT(calls[0], testing::StartsWith(in_root("fsync", ".tmp/")));
        EXPECT_EQ(calls[1], "fsync " + root_.string());
        EXPECT_EQ(calls[2], in_root("fsync", "packs"));
        EXPECT_EQ(calls[3], in_root("renameat2", "packs/ab/1"));
        EXPECT_EQ(calls[4], in_root("fsync", "packs/ab"));
    }
    {
        const WatchedCalls watched;
        storage_->put(ObjectName("packs/ab/2"), as_bytes("x"), {});
        EXPECT_EQ(without_writes(watched).size(), 3U) << "known folders are synced again";
    }
    {
        // Another process may have made the folders and died before it synced them.
        const std::unique_ptr<Storage> other = open_local(root_);
        const WatchedCalls watched;
        other->put(ObjectName("packs/ab/3"), as_bytes("x"), {});
        EXPECT_EQ(without_writes(watched).size(), 5U);
    }
}

TEST_F(LocalStoreFailure, SyncsTheFoldersThatOpeningMakes) {
    const WatchedCalls watched;
    static_cast<void>(open_local(folder_.path() / "x/y"));
    EXPECT_EQ(watched.seen(),
              (std::vector<std::string>{"fsync " + folder_.path().string(),
                                        "fsync " + (folder_.path() / "x").string()}));
}

TEST_F(LocalStoreFailure, LetsOneOfManyProcessesCreateAName) {
    constexpr int kProcesses = 6;
    constexpr int kNames = 40;
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    std::vector<pid_t> children;
    for (int process = 0; process < kProcesses; ++process) {
        const pid_t child = ::fork();
        if (child == 0) {
            bool is_well = false;
            try {
                const auto own = open_local(root_);
                for (int number = 0; number < kNames; ++number) {
                    const ObjectName name("race/" + std::to_string(number));
                    if (own->put(name, Bytes(5000, static_cast<std::uint8_t>(process)), {}) ==
                        PutResult::created) {
                        const std::array<std::uint8_t, 2> won = {
                            static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(process)};
                        is_well = ::write(pipe[1], won.data(), won.size()) == 2;
                    }
                }
                is_well = true;
            } catch (...) {
                is_well = false;
            }
            ::_exit(is_well ? 0 : 1);
        }
        children.push_back(child);
    }
    ::close(pipe[1]);
    int created = 0;
    std::array<std::uint8_t, 2> won{};
    while (::read(pipe[0], won.data(), won.size()) == 2) {
        ++created;
        const ObjectName name("race/" + std::to_string(won[0]));
        EXPECT_EQ(storage_->get(name, {}), Bytes(5000, won[1])) << name.text();
    }
    ::close(pipe[0]);
    for (const pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(created, kNames) << "each name has one winner";
    EXPECT_EQ(names_in(*storage_).size(), static_cast<std::size_t>(kNames));
    EXPECT_EQ(files(), static_cast<std::size_t>(kNames)) << "losers left files behind";
}

}  // namespace
}  // namespace dbbackup
