#include "base/clock.hpp"

#include "support/time_zone.hpp"

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

/// From `first` for `length`.
TimeSpan span(sys_time<milliseconds> first, milliseconds length) {
    return {first, first + length - 1ms};
}

TEST(Clock, ReadsWhatItFormats) { EXPECT_EQ(parse_time(format_rfc3339(kTime)), span(kTime, 1ms)); }

TEST(Clock, ATimeMeansAllThatItsPrecisionCovers) {
    const TestZone zone("UTC");
    const sys_time<milliseconds> day = sys_days(std::chrono::year(2026) / 11 / 22);
    EXPECT_EQ(parse_time("2026-11-22"), span(day, 24h));
    EXPECT_EQ(parse_time("2026-11-22 14:03"), span(day + 14h + 3min, 1min));
    EXPECT_EQ(parse_time("2026-11-22T14:03:05"), span(day + 14h + 3min + 5s, 1s));
    EXPECT_EQ(parse_time("2026-11-22t14:03:05.5z"), span(day + 14h + 3min + 5s + 500ms, 100ms));
    EXPECT_EQ(parse_time("2026-11-22T14:03:05.12Z"), span(kTime - 3ms, 10ms));
    EXPECT_EQ(parse_time("2026-11-22T14:03:05.123999Z"), span(kTime, 1ms));
}

TEST(Clock, ReadsOffsets) {
    EXPECT_EQ(parse_time("2026-11-22T15:03:05.123+01:00"), span(kTime, 1ms));
    EXPECT_EQ(parse_time("2026-11-22T08:33:05.123-0530"), span(kTime, 1ms));
    EXPECT_EQ(parse_time("2026-11-22 15:03:05+01:00"), span(kTime - 123ms, 1s));
    EXPECT_EQ(parse_time("2026-11-22 14:03Z"), span(kTime - 5s - 123ms, 1min));
}

TEST(Clock, TimesWithoutOffsetAreOfThisMachinesZone) {
    const TestZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
    const sys_time<milliseconds> day = sys_days(std::chrono::year(2026) / 11 / 22);
    EXPECT_EQ(parse_time("2026-11-22 15:03"), span(day + 14h + 3min, 1min));
    EXPECT_EQ(parse_time("2026-07-01 15:03"),
              span(sys_days(std::chrono::year(2026) / 7 / 1) + 13h + 3min, 1min));
    EXPECT_EQ(parse_time("2026-11-22"), span(day - 1h, 24h));
    const sys_time<milliseconds> short_day = sys_days(std::chrono::year(2026) / 3 / 29);
    EXPECT_EQ(parse_time("2026-03-29"), span(short_day - 1h, 23h)) << "summer time begins";
    EXPECT_EQ(parse_time("2026-11-22T14:03:05.123Z"), span(kTime, 1ms)) << "an offset wins";
}

std::chrono::minutes offset_in(const char* name, sys_time<milliseconds> time) {
    const TestZone zone(name);
    return utc_offset_here(time);
}

TEST(Clock, TellsHowFarThisMachinesZoneIsAhead) {
    const sys_time<milliseconds> back = sys_days(std::chrono::year(2026) / 10 / 25) + 1h;
    EXPECT_EQ(offset_in("CET-1CEST,M3.5.0,M10.5.0/3", back - 1ms), 2h) << "still summer time";
    EXPECT_EQ(offset_in("CET-1CEST,M3.5.0,M10.5.0/3", back), 1h);
    EXPECT_EQ(offset_in("IST-5:30", back), 5h + 30min);
    EXPECT_EQ(offset_in("NST3:30", back), -(3h + 30min));
    EXPECT_EQ(offset_in("UTC", sys_time<milliseconds>::max()), 0h);
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
