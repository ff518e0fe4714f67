/// @file
/// Texts made to crash or stall a reader: each ends quickly in a clear refusal.

#include "base/error.hpp"
#include "config/config.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace dbbackup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string problem_of(std::string_view yaml) {
    try {
        static_cast<void>(load_config_text(yaml, "", {}, "c.yaml"));
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "nothing is wrong";
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    for (std::size_t time = 0; time < times; ++time) {
        result += text;
    }
    return result;
}

TEST(HostileConfig, DeepNestingIsRefused) {
    EXPECT_THAT(problem_of(std::string(100'000, '[')), HasSubstr("more than 16 levels deep"));
    EXPECT_THAT(problem_of(repeated("{a: ", 100'000)), HasSubstr("more than 16 levels deep"));
    EXPECT_THAT(problem_of(repeated("- ", 100'000)), HasSubstr("more than 16 levels deep"));
}

TEST(HostileConfig, AliasBombsAreRefused) {
    EXPECT_THAT(problem_of("a: &a [x]\nb: [*a, *a]\n"), HasSubstr("c.yaml:2:5: aliases"));
}

TEST(HostileConfig, ManyValuesAreRefused) {
    EXPECT_THAT(problem_of("a: [" + repeated("1,", 200'000) + "]"), HasSubstr("more than"));
}

TEST(HostileConfig, ManyUnknownKeysStayReadable) {
    std::string text = "version: 1\n";
    for (int number = 0; number < 20'000; ++number) {
        text += "k" + std::to_string(number) + ": 1\n";
    }
    const std::string problem = problem_of(text);
    EXPECT_LT(problem.size(), 10'000U);
    EXPECT_THAT(problem, HasSubstr("more problems"));
}

TEST(HostileConfig, TabsAreNamed) {
    EXPECT_THAT(problem_of("version: 1\nlogging:\n\tlevel: info\n"),
                HasSubstr("c.yaml:3:1: a tab cannot indent YAML"));
    EXPECT_THAT(problem_of("version: 1\n\t# comment\n"), HasSubstr("c.yaml:2:1: a tab"));
    EXPECT_EQ(problem_of("version: 1\nlogging: {level:\tinfo}\n"), "nothing is wrong");
}

TEST(HostileConfig, ByteOrderMarksAndLineEndsOfWindowsAreFine) {
    EXPECT_EQ(problem_of("\xef\xbb\xbfversion: 1\r\nlogging:\r\n  level: info\r\n"),
              "nothing is wrong");
}

TEST(HostileConfig, OtherEncodingsAreRefused) {
    EXPECT_THAT(problem_of("version: 1\n# \xe4\n"), HasSubstr("c.yaml:2:3: is not UTF-8 text"));
    EXPECT_THAT(problem_of(std::string_view("\xff\xfe"
                                            "v\0",
                                            4)),
                HasSubstr("is not UTF-8 text"));
    EXPECT_THAT(problem_of(std::string_view("a\0b", 3)), HasSubstr("is not UTF-8 text"));
}

TEST(HostileConfig, BrokenYamlNamesThePlace) {
    EXPECT_THAT(problem_of("version: 1\nlogging: {level: info\n"),
                HasSubstr("c.yaml:3:1: is not YAML"));
    EXPECT_THAT(problem_of("version: 1\n\"abc"), HasSubstr("is not YAML"));
    EXPECT_THAT(problem_of("version: 1\n---\nversion: 1\n"), HasSubstr("a second YAML document"));
    EXPECT_THAT(problem_of("? [a, b]\n: c\n"), HasSubstr("a key must be a word"));
}

TEST(HostileConfig, AnUnclosedQuoteIsNamedWhereItOpens) {
    constexpr const char* kProblem = "a quote that opens here is not closed on its line";
    const auto place = [&](std::string_view mark) {
        return AllOf(HasSubstr("c.yaml:" + std::string(mark) + ": "), HasSubstr(kProblem));
    };
    const std::string head = "version: 1\n# don't \"worry\nlogging: {level: 'info'}\n";
    // To the end of the file.
    EXPECT_THAT(problem_of(head + "sources:\n  shop:\n    database: '/srv\n    type: sqlite\n"),
                place("6:15"));
    // To the next quote, after which nothing makes sense.
    EXPECT_THAT(
        problem_of(head + "repositories:\n  main:\n    url: \"/srv\n    key_file: \"/x\"\n"),
        place("6:10"));
    EXPECT_THAT(problem_of(head + "logging: {file: \"it's\n, level: info}\n"), place("4:17"));
    // To a quote that happens to fit, so that the rest would be a part of the value.
    EXPECT_THAT(problem_of("version: 1\nlogging:\n  file: \"/log\n  level: info # \"\n"),
                place("3:9"));
    EXPECT_THAT(problem_of("version: 1\nlogging:\n  file: 'a''b\n  level: info # '\n"),
                place("3:9"));
    // A key.
    EXPECT_THAT(problem_of("version: 1\n\"logging: {level: info}\n"), place("2:1"));
    EXPECT_THAT(problem_of("version: 1\r\nlogging:\r\n  file: \"\xc3\xa4\r\n  level: \"info\"\r\n"),
                place("3:9"));
}

TEST(HostileConfig, QuotesThatCloseAreFine) {
    EXPECT_EQ(
        problem_of("version: 1\nlogging:\n  file: \"/it's \\\"log\\\"\"\n  level: 'info' # it's\n"),
        "nothing is wrong");
    EXPECT_EQ(problem_of("version: 1\nlogging:\n  file: it's\n  level: |-\n    info\n"),
              "nothing is wrong");
    EXPECT_EQ(problem_of("version: 1\nlogging:\n  file: 'a''b'\n"), "nothing is wrong");
}

TEST(HostileConfig, LargeFilesAreRefused) {
    const TemporaryFolder folder;
    const auto path = folder.write("c.yaml", std::string(10U << 20U, '#'));
    try {
        static_cast<void>(load_config(path, {}));
        FAIL() << "nothing was thrown";
    } catch (const ConfigError& error) {
        EXPECT_THAT(error.what(), HasSubstr("is larger than 1 MiB"));
    }
}

/// Damages a good text at random places; it loads or is refused, and nothing else happens.
TEST(HostileConfig, RandomDamageIsARefusalAtWorst) {
    constexpr unsigned kSeed = 0x5eed;
    SCOPED_TRACE(testing::Message() << "seed " << kSeed);
    std::mt19937 random(kSeed);
    const std::string good =
        "version: 1\nrepositories:\n  main: {url: \"/r${A}\", passphrase_env: X}\n"
        "sources:\n  shop:\n    type: sqlite\n    database: |\n      x\n    tags: {a: b}\n";
    constexpr std::string_view kPieces = "\n\t {}[]:,-#&*!|>'\"%@`?$\\\x01\xff~0a";
    std::size_t refused = 0;
    for (int round = 0; round < 2000; ++round) {
        std::string text = good;
        for (unsigned change = 0; change <= random() % 4; ++change) {
            text[random() % text.size()] = kPieces[random() % kPieces.size()];
        }
        try {
            static_cast<void>(load_config_text(text, text, {{"A", "a"}}));
        } catch (const ConfigError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace dbbackup
