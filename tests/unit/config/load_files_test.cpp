/// @file
/// Finding and reading the files: which one is taken, what stands beside it, who can read it.

#include "base/error.hpp"
#include "config/config.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

namespace dbbackup {
namespace {

using testing::HasSubstr;

std::string version_and(std::string_view level) {
    return "version: 1\nlogging: {level: " + std::string(level) + "}\n";
}

/// Runs in an empty folder, because ./db-backup.yaml is looked for.
class LoadFiles : public testing::Test {
protected:
    LoadFiles() : before_(std::filesystem::current_path()) {
        std::filesystem::create_directories(folder_.path() / "work");
        std::filesystem::create_directories(folder_.path() / "home/.config/db-backup");
        std::filesystem::create_directories(folder_.path() / "xdg/db-backup");
        std::filesystem::current_path(folder_.path() / "work");
        environment_ = {{"HOME", folder_.path() / "home"}};
    }
    ~LoadFiles() override { std::filesystem::current_path(before_); }

    std::optional<LogLevel> level() const {
        return load_config({}, environment_).config.logging.level;
    }

    TemporaryFolder folder_;
    Environment environment_;

private:
    std::filesystem::path before_;
};

TEST_F(LoadFiles, TakesTheFirstThatExists) {
    if (std::filesystem::exists("/etc/db-backup/config.yaml")) {
        GTEST_SKIP() << "this machine has a configuration of its own";
    }
    EXPECT_EQ(load_config({}, environment_).config.path, std::nullopt);
    folder_.write("home/.config/db-backup/config.yaml", version_and("error"));
    EXPECT_EQ(level(), LogLevel::error);
    environment_["XDG_CONFIG_HOME"] = folder_.path() / "xdg";
    folder_.write("xdg/db-backup/config.yaml", version_and("warning"));
    EXPECT_EQ(level(), LogLevel::warning);
    folder_.write("work/db-backup.yaml", version_and("debug"));
    EXPECT_EQ(level(), LogLevel::debug);
    environment_["DB_BACKUP_CONFIG"] = folder_.write("named.yaml", version_and("off"));
    EXPECT_EQ(level(), LogLevel::off);
    const auto other = folder_.write("other.yaml", version_and("info"));
    const LoadedConfig loaded = load_config(other, environment_);
    EXPECT_EQ(loaded.config.logging.level, LogLevel::info);
    EXPECT_EQ(loaded.config.path, other);
}

TEST_F(LoadFiles, AFileThatIsNamedMustExist) {
    const auto code = [&](const std::optional<std::filesystem::path>& path) {
        try {
            static_cast<void>(load_config(path, environment_));
        } catch (const ConfigError& error) {
            return error.code() + ": " + error.hint();
        }
        return std::string("nothing was thrown");
    };
    EXPECT_THAT(code(folder_.path() / "none"), HasSubstr("config_missing: Correct --config"));
    environment_["DB_BACKUP_CONFIG"] = folder_.path() / "none";
    EXPECT_THAT(code({}), HasSubstr("config_missing: Correct DB_BACKUP_CONFIG"));
    EXPECT_THAT(code(folder_.path()), HasSubstr("config_invalid"));
}

TEST_F(LoadFiles, ReadsDotenvBesideTheFile) {
    const auto path = folder_.write("c.yaml", "version: 1\nlogging: {file: \"${LOGS}/x.log\"}\n");
    folder_.write(".env", "LOGS=/logs\nDB_BACKUP__LOGGING__LEVEL=error\n");
    folder_.write("work/.env", "DB_BACKUP__LOGGING__LEVEL=debug\n");
    const LoadedConfig loaded = load_config(path, environment_);
    EXPECT_EQ(loaded.config.logging.file, "/logs/x.log");
    EXPECT_EQ(loaded.config.logging.level, LogLevel::error);
}

TEST_F(LoadFiles, RelativePathsAreSeenFromTheFile) {
    const auto path = folder_.write("c.yaml", R"(version: 1
repositories: {main: {url: repo, key_file: ./key}, far: {url: "file:///r"}}
sources:
  a: {type: sqlite, database: ../a.db}
  b: {type: mysql, database: name}
logging: {file: ~/x.log}
)");
    environment_["DB_BACKUP__REPOSITORIES__FAR__KEY_FILE"] = "here";
    const Config config = load_config(path, environment_).config;
    EXPECT_EQ(config.repositories.at("main").url, folder_.path() / "repo");
    EXPECT_EQ(config.repositories.at("main").key_file, folder_.path() / "key");
    EXPECT_EQ(config.repositories.at("far").url, "file:///r");
    EXPECT_EQ(config.repositories.at("far").key_file, "here");
    EXPECT_EQ(config.sources.at("a").databases.at(0), folder_.path().parent_path() / "a.db");
    EXPECT_EQ(config.sources.at("b").databases.at(0), "name");
    EXPECT_EQ(config.logging.file, folder_.path() / "home/x.log");
}

TEST_F(LoadFiles, RelativePathsOfPlainVariablesAreSeenFromDotenv) {
    const auto path = folder_.write("c.yaml", "version: 1\nrepositories: {main: {url: /r}}\n");
    folder_.write(".env", "DB_BACKUP_REPOSITORY=repo\nDB_BACKUP_KEY_FILE=~/key\n");
    EnvironmentDefaults defaults = load_config(path, environment_).defaults;
    EXPECT_EQ(defaults.repository, folder_.path() / "repo");
    EXPECT_EQ(defaults.key_file, folder_.path() / "home/key");
    folder_.write(".env", "DB_BACKUP_REPOSITORY=main\n");
    EXPECT_EQ(load_config(path, environment_).defaults.repository, "main") << "a name stays one";
    environment_["DB_BACKUP_REPOSITORY"] = "here";
    EXPECT_EQ(load_config(path, environment_).defaults.repository, "here");
}

TEST_F(LoadFiles, WarnsWhenOthersCanReadASecret) {
    const auto path =
        folder_.write("c.yaml", "version: 1\nrepositories: {m: {url: /r, passphrase: x}}\n");
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    EXPECT_THAT(load_config(path, environment_).warnings,
                testing::ElementsAre(HasSubstr("repositories.m.passphrase")));
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    EXPECT_TRUE(load_config(path, environment_).warnings.empty());
    ASSERT_EQ(::chmod(folder_.write(".env", "DB_BACKUP_PASSPHRASE=x").c_str(), 0640), 0);
    EXPECT_THAT(load_config(path, environment_).warnings,
                testing::ElementsAre(HasSubstr(".env can be read by other users")));
}

TEST(ProcessEnvironment, IsThatOfTheProcess) {
    ::setenv("DB_BACKUP_TEST_VARIABLE", "a=b", 1);
    EXPECT_EQ(process_environment().at("DB_BACKUP_TEST_VARIABLE"), "a=b");
    ::unsetenv("DB_BACKUP_TEST_VARIABLE");
}

}  // namespace
}  // namespace dbbackup
