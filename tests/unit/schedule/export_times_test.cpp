// Intervals and goals as points of the calendar: as often, and spread over jobs.

#include "schedule/export_times.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "calendar/time_zone.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// The time between all of its next runs.
seconds length_of(const CronExpression& cron) {
    std::chrono::sys_seconds time =
        floor<seconds>(parse_time("2026-11-27T10:07:00Z").value().first);
    time = cron.next(time, TimeZone::utc()).value();
    const std::chrono::sys_seconds second = cron.next(time, TimeZone::utc()).value();
    const seconds length = second - time;
    for (int count = 0; count < 200; ++count) {
        const std::chrono::sys_seconds next = cron.next(time, TimeZone::utc()).value();
        EXPECT_EQ(next - time, length) << cron.text();
        time = next;
    }
    return length;
}

TEST(ExportTimes, IntervalsAreAsLong) {
    for (const seconds length : {seconds(minutes(1)), seconds(minutes(5)), seconds(minutes(20)),
                                 seconds(hours(1)), seconds(hours(2)), seconds(hours(6)),
                                 seconds(hours(12)), seconds(hours(24)), seconds(hours(24 * 7))}) {
        ScheduleConfig schedule;
        schedule.every = length;
        std::set<std::string> texts;
        for (int job = 0; job < 40; ++job) {
            const ExportTimes times = export_times(schedule, fmt::format("host/{}", job));
            EXPECT_EQ(length_of(times.cron), length);
            EXPECT_EQ(times.zone + times.remark, "");
            texts.insert(times.cron.text());
        }
        EXPECT_GE(texts.size(), length > minutes(5) ? 10U : length > minutes(1) ? 4U : 1U);
    }
}

TEST(ExportTimes, IntervalsWithoutAPlaceInTheCalendarAreRefused) {
    for (const seconds length : {seconds(90), seconds(minutes(7)), seconds(minutes(90)),
                                 seconds(hours(5)), seconds(hours(48)), seconds(hours(24 * 30))}) {
        ScheduleConfig schedule;
        schedule.every = length;
        EXPECT_THROW(static_cast<void>(export_times(schedule, "job")), ConfigError)
            << length.count();
    }
}

TEST(ExportTimes, GoalsAreMetWithTimeForABackup) {
    for (const auto& [goal, length] : {std::pair(seconds(minutes(2)), seconds(minutes(1))),
                                       std::pair(seconds(minutes(15)), seconds(minutes(6))),
                                       std::pair(seconds(hours(1)), seconds(minutes(30))),
                                       std::pair(seconds(hours(9)), seconds(hours(4))),
                                       std::pair(seconds(hours(24)), seconds(hours(12))),
                                       std::pair(seconds(hours(24 * 90)), seconds(hours(24)))}) {
        ScheduleConfig schedule;
        schedule.goal = goal;
        const ExportTimes times = export_times(schedule, "host/job");
        EXPECT_EQ(length_of(times.cron), length);
        EXPECT_NE(times.remark, "");
    }
    ScheduleConfig schedule;
    schedule.goal = seconds(90);
    EXPECT_THROW(static_cast<void>(export_times(schedule, "job")), ConfigError);
}

TEST(ExportTimes, CronExpressionsStayWhatTheyAre) {
    ScheduleConfig schedule;
    schedule.cron = "H 2 * * *";
    EXPECT_EQ(export_times(schedule, "a").zone, "");
    EXPECT_EQ(export_times(schedule, "a").cron.text(), "H 2 * * *");
    schedule.timezone = "Europe/Berlin";
    EXPECT_EQ(export_times(schedule, "a").zone, "Europe/Berlin");
}

}  // namespace
}  // namespace dbbackup
