#include "repository/checked_json.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

const nlohmann::json kObject = {{"text", "tïme"}, {"number", 7}, {"none", nullptr}};

bool is_refused(BytesView content) {
    try {
        static_cast<void>(decode_checked_json("config", content));
        return false;
    } catch (const CorruptionError& error) {
        EXPECT_TRUE(std::string_view(error.what()).starts_with("config is damaged"));
        return true;
    }
}

TEST(CheckedJson, GivesBackTheObjectWithItsHash) {
    nlohmann::json read = decode_checked_json("config", encode_checked_json(kObject));
    EXPECT_EQ(read["sha256"].get<std::string>().size(), 64U);
    read.erase("sha256");
    EXPECT_EQ(read, kObject);
}

TEST(CheckedJson, FindsAChangeOfEveryBit) {
    const Bytes good = encode_checked_json(kObject);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Bytes bad = good;
            bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1U << bit));
            EXPECT_TRUE(is_refused(bad)) << "bit " << bit << " of byte " << at;
        }
    }
}

TEST(CheckedJson, FindsEveryTruncationAndWhatFollowsTheEnd) {
    Bytes content = encode_checked_json(kObject);
    for (std::size_t size = 0; size < content.size(); ++size) {
        EXPECT_TRUE(is_refused(BytesView(content).first(size))) << "cut to " << size;
    }
    content.push_back('\n');
    EXPECT_TRUE(is_refused(content));
}

TEST(CheckedJson, RefusesWhatIsNoObject) {
    for (const char* text : {"", "null", "[]", "7", "{", R"({"sha256": 7})", "{}"}) {
        EXPECT_TRUE(is_refused(as_bytes(text))) << text;
    }
}

TEST(CheckedJson, DeepNestingDoesNotExhaustTheStack) {
    std::string deep = R"({"a":)";
    deep += std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
    EXPECT_TRUE(is_refused(as_bytes(deep)));
}

}  // namespace
}  // namespace dbbackup
