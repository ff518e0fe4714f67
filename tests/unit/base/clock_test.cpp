#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

constexpr sys_time<milliseconds> kTime =
    sys_days(std::chrono::year(2026) / 11 / 22) + 14h + 3min + 5s + 123ms;

TEST(Clock, FormatsRfc3339) {
    EXPECT_EQ(format_rfc3339(kTime), "2026-11-22T14:03:05.123Z");
    EXPECT_EQ(format_rfc3339(sys_time<milliseconds>()), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_rfc3339(sys_time<milliseconds>(-1ms)), "1969-12-31T23:59:59.999Z");
}

TEST(Clock, ReadsWhatItFormats) { EXPECT_EQ(parse_time(format_rfc3339(kTime)), kTime); }

TEST(Clock, ReadsPrefixesThatPeopleType) {
    const auto day = sys_days(std::chrono::year(2026) / 11 / 22);
    EXPECT_EQ(parse_time("2026-11-22"), day);
    EXPECT_EQ(parse_time("2026-11-22 14:03"), day + 14h + 3min);
    EXPECT_EQ(parse_time("2026-11-22T14:03:05"), day + 14h + 3min + 5s);
    EXPECT_EQ(parse_time("2026-11-22t14:03:05.5z"), day + 14h + 3min + 5s + 500ms);
    EXPECT_EQ(parse_time("2026-11-22T14:03:05.123999Z"), kTime);
}

TEST(Clock, ReadsOffsets) {
    EXPECT_EQ(parse_time("2026-11-22T15:03:05.123+01:00"), kTime);
    EXPECT_EQ(parse_time("2026-11-22T08:33:05.123-0530"), kTime);
}

TEST(Clock, RefusesWhatIsNoTime) {
    for (const std::string_view text :
         {"", "2026", "2026-11", "2026-13-01", "2026-02-30", "2026-11-22T", "2026-11-22T14",
          "2026-11-22T24:00", "2026-11-22T14:60", "2026-11-22T14:03:61", "2026-11-22T14:03:05.",
          "2026-11-22T14:03:05Zx", "2026-11-22T14:03:05+1", "2026-11-22T14:03:05+24:00",
          "2026-11-22x", "yesterday", " 2026-11-22"}) {
        EXPECT_EQ(parse_time(text), std::nullopt) << text;
    }
}

TEST(Clock, SystemTimeIsAfterThisTestWasWritten) {
    EXPECT_GT(SystemClock().now(), sys_days(std::chrono::year(2024) / 1 / 1));
}

}  // namespace
}  // namespace dbbackup
