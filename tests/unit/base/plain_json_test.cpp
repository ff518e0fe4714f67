#include "base/plain_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup {
namespace {

TEST(PlainJson, GivesWhatOurObjectsHold) {
    const auto json = parse_plain_json(R"({"a": [1, -2, {"b": "text"}], "c": true})");
    EXPECT_EQ(json.dump(), R"({"a":[1,-2,{"b":"text"}],"c":true})");
}

TEST(PlainJson, LeavesOutNumbersThatAreNotWhole) {
    EXPECT_EQ(
        parse_plain_json(R"({"a": 1e29, "b": 2, "c": 1.5, "d": 99999999999999999999})").dump(),
        R"({"b":2})");
    EXPECT_TRUE(parse_plain_json("1e3").is_discarded());
}

TEST(PlainJson, LeavesOutWhatIsNestedTooDeep) {
    const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
    EXPECT_LT(parse_plain_json(deep).dump().size(), 20U);
}

TEST(PlainJson, DiscardsWhatIsNoJson) {
    for (const char* text : {"", "{", "{]", "nul", "\xff"}) {
        EXPECT_TRUE(parse_plain_json(text).is_discarded()) << text;
    }
}

}  // namespace
}  // namespace dbbackup
