// What we write into crontabs means to us what was meant, and is plain enough for every cron.

#include "calendar/crontab_times.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "calendar/time_zone.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace dbbackup {
namespace {

class CrontabTimes : public testing::TestWithParam<const char*> {};

TEST_P(CrontabTimes, MeanTheSame) {
    const CronExpression cron = CronExpression::parse(GetParam(), "host/job");
    const std::string plain = crontab_times(cron);
    EXPECT_EQ(plain.find_first_not_of("0123456789,* "), std::string::npos) << plain;
    const CronExpression again = CronExpression::parse(plain, "another/job");
    for (const char* const zone : {"UTC", "Europe/Berlin", "America/St_Johns"}) {
        const TimeZone there = TimeZone::find(zone);
        std::chrono::sys_seconds time =
            floor<std::chrono::seconds>(parse_time("2026-11-27T10:07:00Z").value().first);
        for (int count = 0; count < 500; ++count) {
            const auto next = cron.next(time, there);
            ASSERT_EQ(again.next(time, there), next) << plain << " in " << zone;
            ASSERT_TRUE(next);
            time = *next;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Expressions, CrontabTimes,
                         testing::Values("0 2 * * *", "30 1 * * MON-FRI", "15 4 1 * *",
                                         "0 0 13 * FRI", "5,35 1-23/3 * * *", "0 2 29 2 *",
                                         "0 0 */10 * *", "0 0 1-31 * MON", "0 0 * * */2",
                                         "7 5 ? JAN,JUL SUN", "59 23 31 12 *", "H H * * *",
                                         "H/15 * * * *", "* * * * *", "@weekly", "@hourly"));

class NoCrontabTimes : public testing::TestWithParam<const char*> {};

TEST_P(NoCrontabTimes, AreRefused) {
    try {
        static_cast<void>(crontab_times(CronExpression::parse(GetParam(), "job")));
        FAIL();
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "not_exportable");
        EXPECT_NE(std::string(error.what()).find(GetParam()), std::string::npos);
    }
}

// The last two: Debian's cron takes a step for a star, Kubernetes does not.
INSTANTIATE_TEST_SUITE_P(Expressions, NoCrontabTimes,
                         testing::Values("0 0 L * *", "0 0 L-2 * *", "0 12 * * 5L",
                                         "0 12 * * MON#2", "0 0 */2 * MON", "0 0 1 * */2"));

}  // namespace
}  // namespace dbbackup
