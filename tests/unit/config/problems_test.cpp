#include "config/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

std::string message_of(const Problems& problems) {
    try {
        problems.throw_if_any();
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "config_invalid");
        return error.what();
    }
    return "";
}

TEST(Problems, AreOneLineEachInTheOrderOfTheirPlaces) {
    Problems problems;
    EXPECT_EQ(message_of(problems), "");
    problems.add("a.yaml", {3, 1}, "x.y", "is odd");
    problems.add("environment", {}, "VAR", "is empty");
    problems.add("a.yaml", {2, 9}, "", "unknown", "known");
    EXPECT_EQ(message_of(problems),
              "a.yaml:2:9: unknown (did you mean \"known\"?)\n"
              "a.yaml:3:1: x.y: is odd\n"
              "environment: VAR: is empty");
}

TEST(Problems, OfAHostileFileStayReadable) {
    Problems problems;
    for (unsigned number = 1; number <= 1000; ++number) {
        problems.add("a", {number, 1}, "bad\n\x1b[31mkey" + std::string(1000, 'x'), "is odd");
    }
    const std::string message = message_of(problems);
    EXPECT_LT(message.size(), 10'000U);
    EXPECT_THAT(message, testing::EndsWith("\nand 950 more problems"));
    EXPECT_THAT(message, testing::Not(testing::HasSubstr("\x1b")));
}

TEST(Nearest, FindsMisspellingsOnly) {
    const std::vector<std::string> words = {"url", "encryption", "key_file", "postgres"};
    EXPECT_EQ(nearest("ulr", words), "url");
    EXPECT_EQ(nearest("encription", words), "encryption");
    EXPECT_EQ(nearest("keyfile", words), "key_file");
    EXPECT_EQ(nearest("postgresql", words), "postgres");
    EXPECT_EQ(nearest("ab", words), "");
    EXPECT_EQ(nearest("", words), "");
    EXPECT_EQ(nearest("something", words), "");
    EXPECT_EQ(nearest(std::string(100'000, 'x'), words), "");
}

TEST(Utf8, IsCheckedToTheLetter) {
    for (const std::string_view good :
         {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        EXPECT_EQ(utf8_prefix_bytes(good), good.size()) << good;
    }
    for (const std::string_view bad :
         {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
          "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xff", "\xe2\x82"}) {
        EXPECT_EQ(utf8_prefix_bytes(bad), 0U);
    }
    EXPECT_EQ(utf8_prefix_bytes("ab\xff"), 2U);
}

TEST(MarkOf, CountsFromOne) {
    EXPECT_EQ(mark_of("ab\ncd", 0).column, 1U);
    EXPECT_EQ(mark_of("ab\ncd", 4).line, 2U);
    EXPECT_EQ(mark_of("ab\ncd", 4).column, 2U);
}

}  // namespace
}  // namespace dbbackup
