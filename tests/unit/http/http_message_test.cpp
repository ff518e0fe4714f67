#include "http/http_message.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

/// Source: RFC 3986, section 2.3.
TEST(PercentEncoded, LeavesOnlyUnreservedCharacters) {
    EXPECT_EQ(percent_encoded("AZaz09-_.~"), "AZaz09-_.~");
    EXPECT_EQ(percent_encoded("a b+c/%é"), "a%20b%2Bc%2F%25%C3%A9");
    EXPECT_EQ(percent_encoded("a/b c", true), "a/b%20c");
    EXPECT_EQ(percent_encoded(std::string("\0\x7f", 2)), "%00%7F");
}

TEST(HttpStatus, PassingOnesMayBeTriedAgain) {
    for (const int status : {408, 429, 500, 502, 503, 504}) {
        EXPECT_TRUE(is_passing(status)) << status;
    }
    for (const int status : {200, 301, 400, 403, 404, 409, 412, 501}) {
        EXPECT_FALSE(is_passing(status)) << status;
    }
}

TEST(RetryAfter, IsANumberOfSeconds) {
    const auto told = [](const std::string& text) {
        HttpResponse response;
        response.headers = {{"retry-after", text}};
        return retry_after(response).count();
    };
    EXPECT_EQ(told("120"), 120);
    EXPECT_EQ(told("Fri, 31 Dec 1999 23:59:59 GMT"), 0);
    EXPECT_EQ(told("-5"), 0);
    EXPECT_EQ(told("5 apples"), 0);
    EXPECT_EQ(retry_after(HttpResponse()).count(), 0);
}

}  // namespace
}  // namespace dbbackup
