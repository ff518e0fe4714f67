#include "calendar/cron_expression.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_seconds;

sys_seconds at(std::string_view time) { return floor<seconds>(parse_time(time).value().first); }

std::string text(sys_seconds time) { return format_rfc3339(time).substr(0, 16); }

/// The next times in UTC, without seconds.
std::vector<std::string> next(std::string_view cron, std::string_view after, std::size_t count = 1,
                              std::string_view zone = "UTC") {
    const CronExpression expression = CronExpression::parse(cron, "job");
    std::vector<std::string> times;
    sys_seconds time = at(after);
    while (times.size() < count) {
        const auto found = expression.next(time, TimeZone::find(zone));
        if (!found) {
            times.emplace_back("never");
            break;
        }
        time = *found;
        times.push_back(text(time));
    }
    return times;
}

using Times = std::vector<std::string>;

TEST(CronExpression, KnowsFieldsListsRangesAndSteps) {
    const char* const start = "2026-11-27T10:07:30Z";
    EXPECT_EQ(next("* * * * *", start), Times{"2026-11-27T10:08"});
    EXPECT_EQ(next("*/15 * * * *", start, 3),
              (Times{"2026-11-27T10:15", "2026-11-27T10:30", "2026-11-27T10:45"}));
    EXPECT_EQ(next("5/20 1-3,5 * * *", start, 4), (Times{"2026-11-28T01:05", "2026-11-28T01:25",
                                                         "2026-11-28T01:45", "2026-11-28T02:05"}));
    EXPECT_EQ(next("0 8-18/5 * * *", start, 3),
              (Times{"2026-11-27T13:00", "2026-11-27T18:00", "2026-11-28T08:00"}));
    EXPECT_EQ(next("0 2 * * mon-Fri", start, 2), (Times{"2026-11-30T02:00", "2026-12-01T02:00"}));
    EXPECT_EQ(next("0 2 * JAN,7 *", start), Times{"2027-01-01T02:00"});
    EXPECT_EQ(next("  0\t2  * * 7 ", start), Times{"2026-11-29T02:00"});
    EXPECT_EQ(next("0 2 * * FRI-SUN", start, 3),
              (Times{"2026-11-28T02:00", "2026-11-29T02:00", "2026-12-04T02:00"}));
    EXPECT_EQ(next("0 2 ? * 5-7", start, 2), (Times{"2026-11-28T02:00", "2026-11-29T02:00"}));
}

TEST(CronExpression, ComesAfterTheMomentItself) {
    EXPECT_EQ(next("0 2 * * *", "2026-11-27T02:00:00Z"), Times{"2026-11-28T02:00"});
    EXPECT_EQ(next("0 2 * * *", "2026-11-27T01:59:59Z"), Times{"2026-11-27T02:00"});
}

TEST(CronExpression, TakesADayThatEitherFieldOfDaysNames) {
    // crontab(5): unless one of the two fields begins with a star.
    EXPECT_EQ(
        next("0 0 13 * FRI", "2026-11-27T10:00:00Z", 4),
        (Times{"2026-12-04T00:00", "2026-12-11T00:00", "2026-12-13T00:00", "2026-12-18T00:00"}));
    EXPECT_EQ(next("0 0 */2 * FRI", "2026-11-27T10:00:00Z", 2),
              (Times{"2026-12-11T00:00", "2026-12-25T00:00"}));
}

TEST(CronExpression, KnowsLastDays) {
    EXPECT_EQ(next("0 0 L * *", "2028-01-31T10:00:00Z", 2),
              (Times{"2028-02-29T00:00", "2028-03-31T00:00"}));
    EXPECT_EQ(next("0 0 L-2,1 * *", "2026-11-27T10:00:00Z", 3),
              (Times{"2026-11-28T00:00", "2026-12-01T00:00", "2026-12-29T00:00"}));
    EXPECT_EQ(next("0 0 * * 5L", "2026-11-27T10:00:00Z", 2),
              (Times{"2026-12-25T00:00", "2027-01-29T00:00"}));
    EXPECT_EQ(next("0 0 * * SUNL", "2026-11-27T10:00:00Z"), Times{"2026-11-29T00:00"});
}

TEST(CronExpression, KnowsTheHowManiethWeekday) {
    EXPECT_EQ(next("0 0 * * MON#2", "2026-11-27T10:00:00Z", 2),
              (Times{"2026-12-14T00:00", "2027-01-11T00:00"}));
    EXPECT_EQ(next("0 0 * * 6#1,7#5", "2026-11-27T10:00:00Z", 3),
              (Times{"2026-11-29T00:00", "2026-12-05T00:00", "2027-01-02T00:00"}));
}

TEST(CronExpression, KnowsNicknames) {
    const char* const start = "2026-11-27T10:07:00Z";
    EXPECT_EQ(next("@hourly", start), Times{"2026-11-27T11:00"});
    EXPECT_EQ(next("@daily", start), Times{"2026-11-28T00:00"});
    EXPECT_EQ(next("@midnight", start), Times{"2026-11-28T00:00"});
    EXPECT_EQ(next("@weekly", start), Times{"2026-11-29T00:00"});
    EXPECT_EQ(next("@monthly", start), Times{"2026-12-01T00:00"});
    EXPECT_EQ(next("@yearly", start), Times{"2027-01-01T00:00"});
    EXPECT_EQ(next("@annually", start), Times{"2027-01-01T00:00"});
}

TEST(CronExpression, SpreadsJobsThatDoNotCareWhen) {
    const auto first = [](std::string_view cron, const std::string& job) {
        return text(CronExpression::parse(cron, job)
                        .next(at("2026-11-30T00:00:00Z") - seconds(1), TimeZone::utc())
                        .value());
    };
    std::set<std::string> daily;
    std::set<std::string> quarters;
    constexpr int kJobs = 1000;
    for (int job = 0; job < kJobs; ++job) {
        const std::string name = "host/" + std::to_string(job);
        EXPECT_EQ(first("H H * * *", name), first("H H * * *", name));
        daily.insert(first("H H * * *", name));
        EXPECT_LE(first("H H(1-4) * * *", name), "2026-11-30T04:59");
        EXPECT_GE(first("H H(1-4) * * *", name), "2026-11-30T01:00");
        quarters.insert(first("H/15 * * * *", name));
    }
    EXPECT_GT(daily.size(), 600U);  // Of 1440 minutes, thrown 1000 times: 720.
    EXPECT_EQ(quarters.size(), 15U);
    EXPECT_EQ(next("H/15 * * * *", "2026-11-30T00:00:00Z", 5).size(), 5U);
    // Every month has the day.
    for (int job = 0; job < kJobs; ++job) {
        EXPECT_LE(first("0 0 H * *", std::to_string(job)), "2026-12-28T00:00");
    }
}

TEST(CronExpression, FindsRareDays) {
    EXPECT_EQ(next("0 0 29 2 *", "2026-11-27T10:00:00Z", 2),
              (Times{"2028-02-29T00:00", "2032-02-29T00:00"}));
    EXPECT_EQ(next("0 0 29 2 *", "2096-03-01T10:00:00Z"), Times{"2104-02-29T00:00"});
}

TEST(CronExpression, RefusesWhatMeansNothing) {
    for (const char* const wrong : {"",
                                    "* * * *",
                                    "* * * * * *",
                                    "60 * * * *",
                                    "-1 * * * *",
                                    "* 24 * * *",
                                    "* * 0 * *",
                                    "* * 32 * *",
                                    "* * * 13 *",
                                    "* * * 0 *",
                                    "* * * * 8",
                                    "a * * * *",
                                    "*/0 * * * *",
                                    "*/60 * * * *",
                                    "5-1 * * * *",
                                    "1,,2 * * * *",
                                    ", * * * *",
                                    "1- * * * *",
                                    "* * * FOO *",
                                    "* * L-31 * *",
                                    "* * * * MON#6",
                                    "* * * * MON#0",
                                    "* * * * L",
                                    "L * * * *",
                                    "@reboot",
                                    "@often",
                                    "0 0 30 2 *",
                                    "0 0 31 4,6,9,11 *",
                                    "H(1- * * * *",
                                    "H(5-1) * * * *",
                                    "H(0-99) * * * *",
                                    "Hx * * * *",
                                    "1.5 * * * *",
                                    "99999999999 * * * *",
                                    "*5 * * * *"}) {
        EXPECT_THROW(static_cast<void>(CronExpression::parse(wrong, "job")), ConfigError) << wrong;
    }
}

TEST(CronExpression, SaysWhichPartIsWrong) {
    try {
        static_cast<void>(CronExpression::parse("0 2,25 * * *", "job"));
        FAIL();
    } catch (const ConfigError& error) {
        EXPECT_STREQ(error.what(), "'25' is no hour from 0 to 23");
        EXPECT_EQ(error.code(), "cron_invalid");
    }
}

TEST(TimeZone, IsOneThatTheSystemKnows) {
    EXPECT_EQ(TimeZone::find("Europe/Berlin").name(), "Europe/Berlin");
    EXPECT_NE(TimeZone::find("local").name(), "");
    for (const char* const wrong : {"", "Europe/Berlim", "../etc/passwd", "CEST"}) {
        EXPECT_THROW(static_cast<void>(TimeZone::find(wrong)), ConfigError) << wrong;
    }
}

}  // namespace
}  // namespace dbbackup
