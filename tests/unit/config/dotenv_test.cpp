#include "config/dotenv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

using testing::HasSubstr;

std::string value_of_line(std::string_view line) {
    Problems problems;
    const auto entries = parse_dotenv(line, ".env", problems);
    EXPECT_NO_THROW(problems.throw_if_any()) << line;
    return entries.contains("A") ? entries.at("A").value : "(missing)";
}

std::string problem_of(std::string_view text) {
    Problems problems;
    static_cast<void>(parse_dotenv(text, ".env", problems));
    try {
        problems.throw_if_any();
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "nothing is wrong";
}

TEST(Dotenv, ReadsEveryWayToWriteAValue) {
    EXPECT_EQ(value_of_line("A=b"), "b");
    EXPECT_EQ(value_of_line("A="), "");
    EXPECT_EQ(value_of_line("  export A = b c  "), "b c");
    EXPECT_EQ(value_of_line("export\tA=b"), "b");
    EXPECT_EQ(value_of_line("A=b # comment"), "b");
    EXPECT_EQ(value_of_line("A=b#c"), "b#c");
    EXPECT_EQ(value_of_line("A=# comment"), "");
    EXPECT_EQ(value_of_line("A='b # $c \\n' # comment"), "b # $c \\n");
    EXPECT_EQ(value_of_line("A=\"b\\n\\t\\\"\\\\\\$\\x #\""), "b\n\t\"\\$\\x #");
    EXPECT_EQ(value_of_line("A=b=c"), "b=c");
    EXPECT_EQ(value_of_line("A=b\r\n"), "b");
    EXPECT_EQ(value_of_line("\xef\xbb\xbf"
                            "A=b"),
              "b");
    EXPECT_EQ(value_of_line("export=1\nA=b"), "b");
}

TEST(Dotenv, SkipsCommentsAndEmptyLinesButCountsThem) {
    Problems problems;
    const auto entries = parse_dotenv("# x\n\n   \n  A=b", ".env", problems);
    ASSERT_TRUE(problems.empty());
    EXPECT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries.at("A").mark.line, 4U);
    EXPECT_EQ(entries.at("A").mark.column, 3U);
}

TEST(Dotenv, NamesTheLineOfEachProblem) {
    EXPECT_THAT(problem_of("A=b\nnonsense"), HasSubstr(".env:2:1: there is no ="));
    EXPECT_THAT(problem_of("=b"), HasSubstr("must be KEY=VALUE"));
    EXPECT_THAT(problem_of("1A=b"), HasSubstr("must be KEY=VALUE"));
    EXPECT_THAT(problem_of("a-b=c"), HasSubstr("there is no ="));
    EXPECT_THAT(problem_of("A=\"b"), HasSubstr("closing quote is missing"));
    EXPECT_THAT(problem_of("A='b"), HasSubstr("closing quote is missing"));
    EXPECT_THAT(problem_of("A='b' c"), HasSubstr("text after the closing quote"));
    EXPECT_THAT(problem_of("A=b\nA=c"), HasSubstr(".env:2:1: A: is given twice"));
    EXPECT_THAT(problem_of("A=b\nB=\xff"), HasSubstr(".env:2:3: is not UTF-8 text"));
}

TEST(Dotenv, NeverShowsAValue) {
    EXPECT_THAT(problem_of("A=\"hunter2"), testing::Not(HasSubstr("hunter2")));
    EXPECT_THAT(problem_of("A='x' hunter2"), testing::Not(HasSubstr("hunter2")));
    for (const char* line :
         {"hunter2", "hunter2 x", "export hunter2", "hunter2-x=y", "A=b\nhunter2"}) {
        EXPECT_THAT(problem_of(line), testing::Not(HasSubstr("hunter2"))) << line;
        EXPECT_THAT(problem_of(line), HasSubstr("there is no = after the key")) << line;
    }
}

}  // namespace
}  // namespace dbbackup
