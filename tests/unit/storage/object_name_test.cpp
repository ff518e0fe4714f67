#include "storage/object_name.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(ObjectName, TakesWhatEveryStoreCanKeep) {
    for (const std::string& text :
         {std::string("config"), std::string("packs/ab/ab12"), std::string("a.b_c-d/0"),
          std::string(100, 'a'), std::string("1/2/3/4/5/6/7/8")}) {
        EXPECT_TRUE(ObjectName::is_valid(text)) << text;
        EXPECT_EQ(ObjectName(text).text(), text);
    }
}

TEST(ObjectName, RefusesWhatSomeStoreCannotKeep) {
    for (const std::string& text :
         {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
          std::string("."), std::string(".."), std::string("a/../b"), std::string(".tmp/x"),
          std::string("A"), std::string("a b"), std::string("a\\b"), std::string("ä"),
          std::string("a\0b", 3), std::string(101, 'a'), std::string("1/2/3/4/5/6/7/8/9")}) {
        EXPECT_FALSE(ObjectName::is_valid(text)) << text;
        EXPECT_THROW(ObjectName{text}, StorageError) << text;
        if (!text.empty()) {
            EXPECT_THROW(ObjectPrefix{text}, StorageError) << text;
        }
    }
}

TEST(ObjectName, ShowsAWrongNameShortAndPrintable) {
    try {
        static_cast<void>(ObjectName{"\x1b[31m" + std::string(500, 'X')});
        FAIL() << "the name was taken";
    } catch (const StorageError& error) {
        const std::string message = error.what();
        EXPECT_EQ(message.find('\x1b'), std::string::npos);
        EXPECT_LT(message.size(), 120U);
    }
}

TEST(ObjectName, EndsInItsLeaf) {
    EXPECT_EQ(ObjectName("packs/ab/ab12").leaf(), "ab12");
    EXPECT_EQ(ObjectName("config").leaf(), "config");
}

TEST(ObjectPrefix, CoversWholeSegmentsOnly) {
    const ObjectPrefix prefix("packs/ab");
    EXPECT_TRUE(prefix.covers(ObjectName("packs/ab/1")));
    EXPECT_TRUE(prefix.covers(ObjectName("packs/ab/1/2")));
    EXPECT_FALSE(prefix.covers(ObjectName("packs/ab")));
    EXPECT_FALSE(prefix.covers(ObjectName("packs/abc/1")));
    EXPECT_FALSE(prefix.covers(ObjectName("packs/a")));
    EXPECT_TRUE(ObjectPrefix().covers(ObjectName("anything/at/all")));
}

}  // namespace
}  // namespace dbbackup
