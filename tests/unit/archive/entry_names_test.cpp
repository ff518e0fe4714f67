#include "archive/entry_names.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(EntryNames, KeepsPlainPaths) {
    EntryNames names("manifest.json");
    EXPECT_EQ(names.unique("shop.db"), "shop.db");
    EXPECT_EQ(names.unique("eu/shop.db"), "eu/shop.db");
    EXPECT_EQ(names.unique("Bücher 2026.db"), "Bücher 2026.db");
}

TEST(EntryNames, NeverLeadOutOfTheFolder) {
    for (const char* const wanted : {"../x", "/etc/passwd", "a/../../x", "..", ".", "", "a\\..\\b",
                                     "C:x", "a\nb", "\xFFx", "a//b", "a/./b", "a/", "con|x"}) {
        EntryNames names("manifest.json");
        const std::string name = names.unique(wanted);
        EXPECT_TRUE(is_safe_entry_name(name)) << wanted << " became " << name;
    }
    EXPECT_FALSE(is_safe_entry_name("../x"));
    EXPECT_FALSE(is_safe_entry_name("/x"));
    EXPECT_FALSE(is_safe_entry_name("a/../x"));
    EXPECT_FALSE(is_safe_entry_name("a\\x"));
    EXPECT_FALSE(is_safe_entry_name(""));
    EXPECT_FALSE(is_safe_entry_name("\xFF"));
    EXPECT_FALSE(is_safe_entry_name(std::string(1001, 'x')));
}

TEST(EntryNames, AreEachOfOneDatabase) {
    EntryNames names("manifest.json");
    EXPECT_EQ(names.unique("manifest.json"), "manifest.json-2");
    EXPECT_EQ(names.unique("a:b"), "a_b");
    EXPECT_EQ(names.unique("a_b"), "a_b-2");
    EXPECT_EQ(names.unique("a_b"), "a_b-3");
}

}  // namespace
}  // namespace dbbackup
