#include "crypto/base64.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

/// Source: RFC 4648, section 10.
TEST(Base64, IsThatOfItsSpecification) {
    for (const auto& [plain, text] :
         {std::pair("", ""), std::pair("f", "Zg=="), std::pair("fo", "Zm8="),
          std::pair("foo", "Zm9v"), std::pair("foob", "Zm9vYg=="), std::pair("fooba", "Zm9vYmE="),
          std::pair("foobar", "Zm9vYmFy")}) {
        EXPECT_EQ(to_base64(as_bytes(plain)), text);
        EXPECT_EQ(from_base64(text), copy_of(as_bytes(plain)));
    }
    EXPECT_EQ(to_base64(Bytes{0xfb, 0xff}), "+/8=");
}

TEST(Base64, TakesNothingElse) {
    for (const char* text : {"Zg", "Zg=", "Zg===", "Z", "Zm9v!", "Zm 9v", "Zm9v\n", "-_8="}) {
        EXPECT_EQ(from_base64(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace dbbackup
