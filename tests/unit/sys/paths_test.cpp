#include "sys/paths.hpp"

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace dbbackup {
namespace {

/// Gives every test its own HOME and XDG variables.
class Paths : public testing::Test {
protected:
    Paths() {
        for (const char* name : kNames) {
            const char* value = std::getenv(name);
            before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
            ::unsetenv(name);
        }
        ::setenv("HOME", "/home/ada", 1);
    }
    ~Paths() override {
        for (const auto& [name, value] : before_) {
            value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
        }
    }

private:
    static constexpr const char* kNames[] = {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME",
                                             "XDG_CACHE_HOME", "XDG_STATE_HOME"};
    std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(Paths, AreBelowHomeByDefault) {
    EXPECT_EQ(data_home(), "/home/ada/.local/share/db-backup");
    EXPECT_EQ(config_home(), "/home/ada/.config/db-backup");
    EXPECT_EQ(cache_home(), "/home/ada/.cache/db-backup");
    EXPECT_EQ(state_home(), "/home/ada/.local/state/db-backup");
}

TEST_F(Paths, FollowTheXdgVariables) {
    ::setenv("XDG_DATA_HOME", "/d", 1);
    ::setenv("XDG_CONFIG_HOME", "/c", 1);
    ::setenv("XDG_CACHE_HOME", "/x", 1);
    ::setenv("XDG_STATE_HOME", "/s", 1);
    EXPECT_EQ(data_home(), "/d/db-backup");
    EXPECT_EQ(config_home(), "/c/db-backup");
    EXPECT_EQ(cache_home(), "/x/db-backup");
    EXPECT_EQ(state_home(), "/s/db-backup");
}

TEST_F(Paths, IgnoreRelativeAndEmptyVariables) {
    ::setenv("XDG_DATA_HOME", "relative/share", 1);
    ::setenv("XDG_CACHE_HOME", "", 1);
    EXPECT_EQ(data_home(), "/home/ada/.local/share/db-backup");
    EXPECT_EQ(cache_home(), "/home/ada/.cache/db-backup");
}

TEST_F(Paths, AskTheUserDatabaseWithoutHome) {
    ::unsetenv("HOME");
    if (::geteuid() == 0) {
        EXPECT_EQ(data_home(), "/root/.local/share/db-backup");
    } else {
        EXPECT_TRUE(data_home().is_absolute());
    }
}

TEST_F(Paths, AreAnErrorForAUserWithoutHome) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become a user that does not exist";
    }
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            ::unsetenv("HOME");
            ::setenv("XDG_CACHE_HOME", "/x", 1);
            if (::setuid(54321) != 0 || cache_home() != "/x/db-backup") {
                ::_exit(1);
            }
            try {
                static_cast<void>(data_home());
            } catch (const ConfigError& error) {
                ::_exit(error.hint().find("XDG_DATA_HOME") == std::string::npos ? 2 : 0);
            }
            ::_exit(3);
        },
        testing::ExitedWithCode(0), "");
}

TEST(AbsolutePath, IsSeenFromTheWorkingFolder) {
    EXPECT_EQ(absolute_path("/a/b"), "/a/b");
    EXPECT_EQ(absolute_path("a"), std::filesystem::current_path() / "a");
}

TEST(AbsolutePath, IsAnErrorOfTheCallWhenTheWorkingFolderWasRemoved) {
    const std::filesystem::path before = std::filesystem::current_path();
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "gone");
    std::filesystem::current_path(folder.path() / "gone");
    std::filesystem::remove(folder.path() / "gone");
    EXPECT_EQ(absolute_path("/a/b"), "/a/b");
    try {
        static_cast<void>(absolute_path("a"));
        ADD_FAILURE() << "a path below nothing";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "working_folder_missing");
    }
    std::filesystem::current_path(before);
}

}  // namespace
}  // namespace dbbackup
