#include "cli/log_choice.hpp"

#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup {
namespace {

TEST(LogChoice, ShowsWarningsUnlessSaidOtherwise) {
    const LogOptions options = choose_log({}, {});
    EXPECT_EQ(options.stderr_level, LogLevel::warning);
    EXPECT_FALSE(options.file);
    EXPECT_EQ(options.run_id.size(), 8U);
}

TEST(LogChoice, LaysTheCommandLineOverTheConfiguration) {
    LoggingConfig config;
    config.file = "/var/log/a";
    config.level = LogLevel::warning;
    config.format = LogFormat::json;
    config.rotate_keep = 3;
    GlobalArguments globals;
    EXPECT_EQ(choose_log(globals, config).file, "/var/log/a");
    EXPECT_EQ(choose_log(globals, config).format, LogFormat::json);
    EXPECT_EQ(choose_log(globals, config).rotate_keep, 3U);
    const TemporaryFolder folder;
    const std::string file = (folder.path() / "b").string();
    globals.log_file = file;
    globals.log_level = LogLevel::debug;
    globals.log_format = LogFormat::text;
    const LogOptions options = choose_log(globals, config);
    EXPECT_EQ(options.file, file);
    EXPECT_EQ(options.file_level, LogLevel::debug);
    EXPECT_EQ(options.stderr_level, LogLevel::warning) << "the level is the file's";
    EXPECT_EQ(options.format, LogFormat::text);
}

TEST(LogChoice, LevelIsOfStderrWithoutAFile) {
    GlobalArguments globals;
    globals.log_level = LogLevel::debug;
    EXPECT_EQ(choose_log(globals, {}).stderr_level, LogLevel::debug);
}

TEST(LogChoice, ConfiguredLevelIsOfStderrWithoutAFile) {
    LoggingConfig config;
    config.level = LogLevel::error;
    EXPECT_EQ(choose_log({}, config).stderr_level, LogLevel::error);
    GlobalArguments globals;
    globals.is_verbose = true;
    EXPECT_EQ(choose_log(globals, config).stderr_level, LogLevel::info) << "said for this call";
    globals.log_level = LogLevel::debug;
    EXPECT_EQ(choose_log(globals, config).stderr_level, LogLevel::debug);
    config.file = "/var/log/a";
    EXPECT_EQ(choose_log({}, config).stderr_level, LogLevel::warning);
    EXPECT_EQ(choose_log({}, config).file_level, LogLevel::error);
    EXPECT_EQ(choose_log({}, {}).file_level, LogLevel::info);
}

TEST(LogChoice, HeedsQuietAndVerbose) {
    GlobalArguments globals;
    globals.is_verbose = true;
    EXPECT_EQ(choose_log(globals, {}).stderr_level, LogLevel::info);
    globals = {};
    globals.is_quiet = true;
    EXPECT_EQ(choose_log(globals, {}).stderr_level, LogLevel::warning);
}

}  // namespace
}  // namespace dbbackup
