#include "cli/argument_values.hpp"

#include "base/units.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace dbbackup {
namespace {

/// The hint of the ConfigError that `parse` throws; "" when it throws none.
std::string hint_of(const std::function<void()>& parse) {
    try {
        parse();
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::usage);
        return error.hint();
    }
    return {};
}

TEST(ArgumentValues, SuggestTheNearestWord) {
    EXPECT_EQ(enum_argument<BackupMode>("--mode", "differential"), BackupMode::differential);
    EXPECT_EQ(hint_of([] { static_cast<void>(enum_argument<BackupMode>("--mode", "ful")); }),
              "Did you mean --mode full?");
    EXPECT_EQ(hint_of([] { static_cast<void>(enum_argument<BackupMode>("--mode", "xyz")); }),
              "Give --mode one of: full, incremental, differential.");
}

TEST(ArgumentValues, BoundJobs) {
    EXPECT_EQ(jobs_argument("1"), 1U);
    EXPECT_EQ(jobs_argument("64"), 64U);
    for (const char* text :
         {"0", "65", "-1", "+2", "2.5", "1e1", "", " 1", "1 ", "0x2", "18446744073709551617"}) {
        EXPECT_THROW(static_cast<void>(jobs_argument(text)), ConfigError) << "'" << text << "'";
    }
}

TEST(ArgumentValues, ReadSizes) {
    EXPECT_EQ(size_argument("--spool", "2GiB"), 2_GiB);
    EXPECT_EQ(size_argument("--spool", "0"), 0U);
    EXPECT_THROW(static_cast<void>(size_argument("--spool", "-1")), ConfigError);
    EXPECT_THROW(static_cast<void>(size_argument("--spool", "much")), ConfigError);
    EXPECT_EQ(size_argument("--spool", "5B"), 5U);
    EXPECT_EQ(hint_of([] { static_cast<void>(size_argument("--spool", "5")); }),
              "Write for example --spool 5MiB or --spool 5GiB.");
    EXPECT_THROW(static_cast<void>(size_argument("--spool", "1.5")), ConfigError);
}

TEST(ArgumentValues, RefuseZipInARepository) {
    EXPECT_EQ(compression_argument("gzip:6").kind, CompressionKind::gzip);
    EXPECT_NE(hint_of([] { static_cast<void>(compression_argument("zip")); }).find("archive"),
              std::string::npos);
    EXPECT_THROW(static_cast<void>(compression_argument("zstd:99")), ConfigError);
    EXPECT_THROW(static_cast<void>(compression_argument("lzma")), ConfigError);
}

TEST(ArgumentValues, ReadTags) {
    const auto tags = tag_arguments({"env=prod", "note=a=b", "empty="});
    EXPECT_EQ(tags.at("env"), "prod");
    EXPECT_EQ(tags.at("note"), "a=b");
    EXPECT_EQ(tags.at("empty"), "");
    EXPECT_THROW(static_cast<void>(tag_arguments({"env"})), ConfigError);
    EXPECT_THROW(static_cast<void>(tag_arguments({"=prod"})), ConfigError);
    EXPECT_THROW(static_cast<void>(tag_arguments({"a=1", "a=2"})), ConfigError);
    EXPECT_THROW(static_cast<void>(tag_arguments({"a=" + std::string(2000, 'x')})), ConfigError);
}

TEST(ArgumentValues, ShowControlCharactersHarmlessly) {
    try {
        static_cast<void>(jobs_argument("\x1b[2J"));
        FAIL() << "accepted";
    } catch (const ConfigError& error) {
        EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
    }
}

}  // namespace
}  // namespace dbbackup
