#include "config/name_pattern.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace dbbackup {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
    return NamePattern(pattern).matches(name);
}

/// Against a table of a SQLite database.
bool matches(std::string_view pattern, std::string_view database, std::string_view table) {
    const std::array<NamePart, 2> parts = {
        {{.text = database}, {.text = table, .letter_case = NameCase::ignored}}};
    return NamePattern(pattern).matches(parts);
}

TEST(NamePattern, ComparesWholeNames) {
    EXPECT_TRUE(matches("shop.db", "shop.db"));
    EXPECT_FALSE(matches("shop", "shop.db"));
    EXPECT_FALSE(matches("hop.db", "shop.db"));
    EXPECT_FALSE(matches("Shop.db", "shop.db"));
    EXPECT_FALSE(matches("shop.db.", "shop.db"));
}

TEST(NamePattern, KnowsGlobs) {
    EXPECT_TRUE(matches("*", "x"));
    EXPECT_TRUE(matches("*.db", "shop.db"));
    EXPECT_TRUE(matches("s*p*b", "shop.db"));
    EXPECT_FALSE(matches("s*p*x", "shop.db"));
    EXPECT_TRUE(matches("**", ""));
    EXPECT_TRUE(matches("sh?p.db", "shop.db"));
    EXPECT_FALSE(matches("sh?p.db", "shp.db"));
    EXPECT_TRUE(matches("[a-s]hop.db", "shop.db"));
    EXPECT_FALSE(matches("[!a-s]hop.db", "shop.db"));
    EXPECT_TRUE(matches("x[]-]y", "x-y"));
    EXPECT_TRUE(matches("x[]-]y", "x]y"));
    EXPECT_TRUE(matches("x[\\]a]y", "xay"));
    EXPECT_TRUE(matches("a/*.db", "a/b/c.db"));
}

TEST(NamePattern, CountsCharactersAndNotBytes) {
    EXPECT_TRUE(matches("b?cher", "b\u00fccher"));
    EXPECT_TRUE(matches("[\u00e4-\u00fc]x", "\u00f6x"));
    EXPECT_TRUE(matches("?", "\xf0\x9f\x90\x98"));
    EXPECT_TRUE(matches("a?b",
                        "a\xff"
                        "b"))
        << "a byte that is no character";
    EXPECT_TRUE(matches("\xc3", "\xc3"));
    EXPECT_FALSE(matches("\xc3", "\xe3"));
}

TEST(NamePattern, TakesTheMeaningFromWhatFollowsABackslash) {
    EXPECT_TRUE(matches("a\\*", "a*"));
    EXPECT_FALSE(matches("a\\*", "ab"));
    EXPECT_TRUE(matches("a\\\\b", "a\\b"));
    EXPECT_TRUE(matches("\\orders", "orders"));
}

TEST(NamePattern, FindsATableWithAndWithoutItsDatabase) {
    EXPECT_TRUE(matches("orders", "shop.db", "orders"));
    EXPECT_TRUE(matches("ORDERS", "shop.db", "orders"));
    EXPECT_TRUE(matches("[O]RDER[R-T]", "shop.db", "orders"));
    EXPECT_TRUE(matches("shop.db.orders", "shop.db", "orders"));
    EXPECT_TRUE(matches("shop.*.ord*", "shop.db", "orders"));
    EXPECT_TRUE(matches("*.orders", "shop.db", "orders"));
    EXPECT_FALSE(matches("SHOP.db.orders", "shop.db", "orders"));
    EXPECT_FALSE(matches("other.orders", "shop.db", "orders"));
    EXPECT_FALSE(matches("shop.db", "shop.db", "orders"));
    EXPECT_TRUE(matches("shop.db.*", "shop.db", "orders")) << "all tables of a database";
    EXPECT_TRUE(matches("shop.db.orders", "shop", "db.orders")) << "any dot may be the border";
    EXPECT_FALSE(matches("shop\\.db.orders", "shop", "db.orders"));
}

TEST(NamePattern, KeepsAStarWithinOnePart) {
    EXPECT_FALSE(matches("shop*", "shop.db", "orders"));
    EXPECT_FALSE(matches("s*s", "shop", "orders"));
    EXPECT_FALSE(matches("shop?orders", "shop", "orders"));
    EXPECT_FALSE(matches("shop[!x]orders", "shop", "orders"));
    EXPECT_TRUE(matches("shop*", "other", "shop.orders"));
    EXPECT_TRUE(matches("s*.o*", "shop", "orders"));
}

TEST(NamePattern, HasAsManyPartsAsTheNames) {
    const std::array<NamePart, 3> parts = {
        {{.text = "shop"}, {.text = "public"}, {.text = "orders"}}};
    for (const std::string_view pattern :
         {"orders", "public.orders", "shop.public.orders", "*.orders", "*.*.orders", "s*.p*.o*"}) {
        EXPECT_TRUE(NamePattern(pattern).matches(parts)) << pattern;
    }
    for (const std::string_view pattern : {"public", "shop.orders", "shop.public", "*.*.*.*"}) {
        EXPECT_FALSE(NamePattern(pattern).matches(parts)) << pattern;
    }
}

TEST(NamePattern, DoesNotTakeForeverOverManyStars) {
    std::string pattern;
    for (int count = 0; count < 40; ++count) {
        pattern += "*a";
    }
    EXPECT_FALSE(matches(pattern + "b", std::string(2000, 'a')));
}

TEST(NamePattern, RefusesWhatIsNoPattern) {
    for (const std::string_view text : {"", "a\\", "[", "[a", "[!", "[]", "[a-", "x[\\"}) {
        EXPECT_THROW(NamePattern{text}, ConfigError) << text;
    }
}

TEST(NameSelection, ExcludesFromWhatIsIncluded) {
    EXPECT_TRUE(NameSelection().takes("a.db"));
    const NameSelection some = NameSelection::parse({"a*", "b*"}, {"*.tmp"});
    EXPECT_TRUE(some.takes("a.db"));
    EXPECT_TRUE(some.takes("b.db"));
    EXPECT_FALSE(some.takes("c.db"));
    EXPECT_FALSE(some.takes("a.tmp"));
    const NameSelection others = NameSelection::parse({}, {"*.tmp"});
    EXPECT_TRUE(others.takes("c.db"));
    EXPECT_FALSE(others.takes("c.tmp"));
}

}  // namespace
}  // namespace dbbackup
