#include "base/plain_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup {
namespace {

TEST(PlainJson, GivesWhatOurObjectsHold) {
    const auto json = parse_plain_json(R"({"a": [1, -2, {"b": "text"}], "c": true})");
    EXPECT_EQ(json.dump(), R"({"a":[1,-2,{"b":"text"}],"c":true})");
}

TEST(PlainJson, DiscardsNumbersThatAreNotWhole) {
    for (const char* text : {R"({"a": 1e29})", R"({"b": 2, "c": 1.5})", R"([99999999999999999999])",
                             "1e3", R"({"a": {"b": [0.0]}})"}) {
        EXPECT_TRUE(parse_plain_json(text).is_discarded()) << text;
    }
}

TEST(PlainJson, DiscardsWhatIsNestedTooDeep) {
    const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
    EXPECT_TRUE(parse_plain_json(deep).is_discarded());
}

TEST(PlainJson, DiscardsWhatIsNoJson) {
    for (const char* text : {"", "{", "{]", "nul", "\xff"}) {
        EXPECT_TRUE(parse_plain_json(text).is_discarded()) << text;
    }
}

}  // namespace
}  // namespace dbbackup
