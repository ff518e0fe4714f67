#include "storage/gcs/signed_jwt.hpp"

#include "base/error.hpp"
#include "crypto/base64.hpp"
#include "test_key.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(SignedJwt, IsEncodedAsTheStandardsSay) {
    EXPECT_EQ(to_base64(as_bytes("")), "");
    EXPECT_EQ(to_base64(as_bytes("f")), "Zg==");
    EXPECT_EQ(to_base64(as_bytes("foobar")), "Zm9vYmFy");
    EXPECT_EQ(to_base64(Bytes{0xfb, 0xff}), "+/8=");
    EXPECT_EQ(base64url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(SignedJwt, CanBeCheckedByWhoeverKnowsTheKey) {
    const std::string token = signed_jwt(R"({"alg":"RS256"})", R"({"iss":"a"})",
                                         Secret(std::string_view(test_key_pem())));
    const std::size_t last = token.rfind('.');
    EXPECT_EQ(token.substr(0, last), "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0");
    const std::string signature = decoded_base64url(token.substr(last + 1));
    EXPECT_TRUE(is_signed_by_test_key(token.substr(0, last), signature));
    EXPECT_FALSE(is_signed_by_test_key(token.substr(1, last), signature));
}

TEST(SignedJwt, AKeyThatIsNoneIsNotRepeated) {
    for (const char* key : {"", "hidden", "-----BEGIN PRIVATE KEY-----\nhidden\n"}) {
        try {
            (void)signed_jwt("{}", "{}", Secret(std::string_view(key)));
            ADD_FAILURE() << "nothing was thrown";
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), "credentials_unusable");
            EXPECT_EQ(std::string(error.what()).find("hidden"), std::string::npos) << error.what();
        }
    }
}

}  // namespace
}  // namespace dbbackup
