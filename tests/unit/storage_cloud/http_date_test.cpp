#include "storage/cloud/http_date.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::chrono::sys_seconds kTime{std::chrono::seconds(784111777)};

TEST(HttpDate, IsReadAsItIsWritten) {
    EXPECT_EQ(http_date(kTime), kDate);
    EXPECT_EQ(parse_http_date(kDate), kTime);
    EXPECT_EQ(http_date(std::chrono::sys_seconds()), "Thu, 01 Jan 1970 00:00:00 GMT");
    for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, xx Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nix 1994 08:49:37 GMT", "1994-11-06T08:49:37.00000 GMT"}) {
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace dbbackup
