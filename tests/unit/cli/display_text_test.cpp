#include "cli/display_text.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(DisplayText, RemovesWhatMovesTheCursor) {
    EXPECT_EQ(printable("a\x1b[2Jb"), "a?[2Jb");
    EXPECT_EQ(printable("a\nb\tc\rd\x7f"), "a b c?d?");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "?31m")
        << "C1 control sequence introducer";
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b"),
              "a?b")
        << "right-to-left override";
    EXPECT_EQ(printable_lines("a\nb"), "a\nb");
}

TEST(DisplayText, ReplacesInvalidUtf8) {
    EXPECT_EQ(printable("\xff\xfe"), "??");
    EXPECT_EQ(printable("\xc0\xaf"), "??") << "overlong";
    EXPECT_EQ(printable("\xed\xa0\x80"), "???") << "surrogate";
    EXPECT_EQ(printable("\xe2\x82"), "??") << "cut short";
    EXPECT_EQ(printable("für €"), "für €");
}

TEST(DisplayText, MeasuresCharactersAndNotBytes) {
    EXPECT_EQ(display_width("für"), 3U);
    EXPECT_EQ(display_width(""), 0U);
}

TEST(DisplayText, WrapsAtSpacesOnly) {
    EXPECT_EQ(wrapped("one two three", 7, 0, 2), "one two\n  three");
    EXPECT_EQ(wrapped("one two three", 7, 4, 0), "one\ntwo\nthree");
    EXPECT_EQ(wrapped("a\nb c", 3, 0, 2), "a\nb c");
    EXPECT_EQ(wrapped("/a/long/path x", 5, 0, 1), "/a/long/path\n x");
    EXPECT_EQ(wrapped("run `chmod 600 x` on it", 12, 0, 1), "run\n `chmod 600 x`\n on it");
    EXPECT_EQ(wrapped("it's a b", 6, 0, 0), "it's a\nb");
    EXPECT_EQ(wrapped("\xc3\xa4\xc3\xa4 \xc3\xa4", 4, 0, 0), "\xc3\xa4\xc3\xa4 \xc3\xa4");
}

TEST(DisplayText, CutsWithAnEllipsis) {
    EXPECT_EQ(shortened("abcdef", 6, true), "abcdef");
    EXPECT_EQ(shortened("abcdefg", 6, true), "abcde…");
    EXPECT_EQ(shortened("abcdefg", 6, false), "abc...");
    EXPECT_EQ(shortened("äöüäöü", 4, true), "äöü…");
    EXPECT_EQ(shortened("abcdefg", 2, false), "..");
    EXPECT_EQ(shortened("abcdefg", 0, true), "");
}

}  // namespace
}  // namespace dbbackup
