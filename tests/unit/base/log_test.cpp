/// @file
/// Logging as its readers see it: the lines of the file and of stderr, and what happens when they
/// cannot be written.

#include "base/log.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

namespace dbbackup {
namespace {

using testing::HasSubstr;

class LogTest : public testing::Test {
protected:
    LogTest() {
        std::string name = std::filesystem::temp_directory_path() / "db-backup-log.XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        options_.file = folder_ / "run.log";
        options_.stderr_level = LogLevel::off;
        options_.run_id = "3f2a";
    }
    ~LogTest() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::vector<std::string> lines(const std::string& name = "run.log") const {
        std::ifstream file(folder_ / name);
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);) {
            all.push_back(line);
        }
        return all;
    }

    [[nodiscard]] unsigned permissions(const std::string& name) const {
        struct stat status{};
        EXPECT_EQ(::stat((folder_ / name).c_str(), &status), 0) << name;
        return status.st_mode & 07777U;
    }

    std::filesystem::path folder_;
    LogOptions options_;
};

TEST_F(LogTest, TextLinesHaveTimeLevelRunMessageAndFields) {
    Log log(options_);
    log.info("backup begins", {{"source", "shop"}, {"note", "two words"}, {"empty", ""}});
    ASSERT_EQ(lines().size(), 1U);
    const std::string line = lines()[0];
    EXPECT_TRUE(parse_time(line.substr(0, 24))) << line;
    EXPECT_EQ(line[23], 'Z');
    EXPECT_EQ(line.substr(24),
              " info    [3f2a] backup begins source=shop note=\"two words\" empty=\"\"");
}

TEST_F(LogTest, JsonLinesAreOneDocumentEach) {
    options_.format = LogFormat::json;
    Log log(options_);
    log.warning("said \"no\"\nand left", {{"source", "shop"}, {"level", "high"}, {"bad", "\xff"}});
    ASSERT_EQ(lines().size(), 1U);
    const nlohmann::json line = nlohmann::json::parse(lines()[0]);
    EXPECT_TRUE(parse_time(line["time"].get<std::string>()));
    EXPECT_EQ(line["level"], "warning");
    EXPECT_EQ(line["run"], "3f2a");
    EXPECT_EQ(line["message"], "said \"no\"\nand left");
    EXPECT_EQ(line["source"], "shop");
    EXPECT_EQ(line["level_"], "high") << "a field may not replace the level";
    EXPECT_EQ(line["bad"], "\xef\xbf\xbd");
}

TEST_F(LogTest, TextCannotForgeLinesOrDriveATerminal) {
    Log log(options_);
    log.info("one\ntwo \x1b[31m", {{"a", "x\ny"}, {"b", "quo\"te \\ "}});
    ASSERT_EQ(lines().size(), 1U);
    EXPECT_THAT(lines()[0], testing::EndsWith("one\\ntwo \\x1b[31m a=x\\ny b=\"quo\\\"te \\\\ \""));
}

TEST_F(LogTest, WritesOnlyFromItsLevelUp) {
    options_.file_level = LogLevel::warning;
    Log log(options_);
    log.debug("one");
    log.info("two");
    log.warning("three");
    log.error("four");
    ASSERT_EQ(lines().size(), 2U);
    EXPECT_THAT(lines()[0], HasSubstr("warning [3f2a] three"));
    EXPECT_THAT(lines()[1], HasSubstr("error   [3f2a] four"));
}

TEST_F(LogTest, EveryLevelCanBeWritten) {
    options_.file_level = LogLevel::debug;
    Log log(options_);
    log.debug("one");
    EXPECT_THAT(lines(), testing::ElementsAre(HasSubstr(" debug   ")));
}

TEST_F(LogTest, LevelOffWritesNothing) {
    options_.file_level = LogLevel::off;
    Log log(options_);
    log.error("x");
    EXPECT_TRUE(lines().empty());
}

TEST_F(LogTest, StderrThatIsNoTerminalGetsTheFileFormat) {
    options_.stderr_level = LogLevel::warning;
    testing::internal::CaptureStderr();
    {
        Log log(options_);
        log.info("unseen");
        log.error("seen", {{"a", "1"}});
    }
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, HasSubstr(" error   [3f2a] seen a=1\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("unseen")));
}

TEST_F(LogTest, LinesForStderrGoWhereTheyAreTaken) {
    options_.stderr_level = LogLevel::warning;
    std::vector<std::string> taken;
    options_.stderr_line = [&taken](std::string_view line) { taken.emplace_back(line); };
    testing::internal::CaptureStderr();
    {
        Log log(options_);
        log.info("unseen");
        log.error("seen");
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_THAT(taken, testing::ElementsAre(testing::EndsWith("error   [3f2a] seen")));
}

TEST_F(LogTest, FilesArePrivateAndOldOnesKeepTheirPermissions) {
    Log(options_).info("x");
    EXPECT_EQ(permissions("run.log"), 0600U);
    ASSERT_EQ(::chmod((folder_ / "run.log").c_str(), 0640), 0);
    Log(options_).info("y");
    EXPECT_EQ(permissions("run.log"), 0640U);
    EXPECT_EQ(lines().size(), 2U) << "a second run appends";
}

TEST_F(LogTest, RotatesBySizeAndKeepsSoMany) {
    options_.rotate_bytes = 300;
    options_.rotate_keep = 2;
    Log log(options_);
    for (int number = 0; number < 40; ++number) {
        log.info("line " + std::to_string(number));
    }
    for (const char* name : {"run.log", "run.1.log", "run.2.log"}) {
        EXPECT_LE(std::filesystem::file_size(folder_ / name), 300U) << name;
        EXPECT_EQ(permissions(name), 0600U);
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run.3.log"));
    EXPECT_THAT(lines().back(), HasSubstr("line 39"));
}

TEST_F(LogTest, KeepsNoOldFileWhenAskedTo) {
    options_.rotate_bytes = 100;
    options_.rotate_keep = 0;
    Log log(options_);
    log.info("one");
    log.info(std::string(90, 'x'));
    EXPECT_EQ(lines().size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run.1.log"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsAConfigError) {
    options_.file = folder_;
    try {
        Log log(options_);
        FAIL() << "nothing was thrown";
    } catch (const ConfigError& error) {
        EXPECT_THAT(error.what(), HasSubstr(folder_.native()));
        EXPECT_EQ(error.code(), "log_file");
        EXPECT_THAT(error.hint(), HasSubstr("logging.file"));
    }
}

TEST_F(LogTest, ImpossibleRotationIsAConfigError) {
    options_.rotate_bytes = 0;
    EXPECT_THROW(Log{options_}, ConfigError);
}

TEST_F(LogTest, MakesTheFolderOfItsFile) {
    options_.file = folder_ / "a" / "b" / "run.log";
    Log(options_).info("x");
    EXPECT_TRUE(std::filesystem::exists(*options_.file));
}

/// With long lines the write fails, with short ones the flush.
class FullDisk : public LogTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(FullDisk, IsToldOnceAndDoesNotThrow) {
    void (*const handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    Log log(options_);
    log.info("fits");
    testing::internal::CaptureStderr();
    // The framework keeps stderr in a file, which needs some room too.
    const rlimit limit{1000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int number = 0; number < 10; ++number) {
        log.info(std::string(GetParam(), 'x'));
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    const std::string told = testing::internal::GetCapturedStderr();
    std::signal(SIGXFSZ, handler);
    EXPECT_THAT(told, testing::StartsWith("warning: cannot write the log file: "));
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
}

INSTANTIATE_TEST_SUITE_P(LineLengths, FullDisk, testing::Values(300, 20'000));

TEST_F(LogTest, LinesOfSeveralThreadsStayWhole) {
    {
        Log log(options_);
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int number = 0; number < 200; ++number) {
                    log.info("whole line", {{"end", "here"}});
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    const auto all = lines();
    EXPECT_EQ(all.size(), 800U);
    EXPECT_THAT(all, testing::Each(testing::EndsWith("Z info    [3f2a] whole line end=here")));
}

TEST(Log, WithoutOptionsDropsEverything) {
    Log log;
    log.error("x");
    Log other = std::move(log);
    other.info("y");
}

}  // namespace
}  // namespace dbbackup
