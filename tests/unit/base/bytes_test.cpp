#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(Bytes, ViewTextAndBack) {
    const std::string text("a\0\xff", 3);
    EXPECT_EQ(as_bytes(text).size(), 3U);
    EXPECT_EQ(as_bytes(text)[2], 0xff);
    EXPECT_EQ(as_text(as_bytes(text)), text);
}

TEST(Bytes, HexReadsBackEveryByte) {
    Bytes all;
    for (int byte = 0; byte < 256; ++byte) {
        all.push_back(static_cast<std::uint8_t>(byte));
    }
    EXPECT_EQ(from_hex(to_hex(all)), all);
    EXPECT_EQ(to_hex(Bytes{0x00, 0x0f, 0xf0, 0xab}), "000ff0ab");
    EXPECT_EQ(to_hex({}), "");
}

TEST(Bytes, RefusesWhatIsNotLowerCaseHex) {
    for (const std::string_view text : {"", "a", "abc", "AB", "g0", "0g", " 0", "0 ", "0x"}) {
        EXPECT_EQ(from_hex(text), Bytes()) << text;
    }
}

}  // namespace
}  // namespace dbbackup
