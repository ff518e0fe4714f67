#include "schedule/timetable.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr sys_seconds kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 27)};

TEST(Timetable, IntervalsAreSpreadAndStay) {
    std::set<sys_seconds> firsts;
    constexpr int kJobs = 100;
    for (int job = 0; job < kJobs; ++job) {
        const Timetable table = Timetable::of_interval(hours(6), std::to_string(job));
        const sys_seconds first = table.next(kNow, {}).value();
        EXPECT_GT(first, kNow);
        EXPECT_LE(first, kNow + hours(6));
        EXPECT_EQ(table.next(first - seconds(1), {}), first);
        EXPECT_EQ(table.next(first, {}), first + hours(6));
        firsts.insert(first);
    }
    EXPECT_GT(firsts.size(), 90U);
}

TEST(Timetable, AGoalLeavesTimeForTheBackupAndAnotherTry) {
    const Timetable table = Timetable::of_goal(hours(4));
    JobPast past = {
        .newest_good = kNow, .usual_duration = minutes(5), .last_end = kNow, .failures = 0};
    EXPECT_EQ(table.next(kNow, past), kNow + hours(3));
    past.usual_duration = minutes(45);
    EXPECT_EQ(table.next(kNow, past), kNow + minutes(150));
    past.usual_duration = hours(9);
    EXPECT_EQ(table.next(kNow, past), kNow + hours(2));
    past.usual_duration = minutes(5);
    past.last_end = kNow + hours(3);
    past.failures = 1;
    EXPECT_EQ(table.next(kNow, past), kNow + hours(3) + minutes(1));
    past.failures = 100;
    EXPECT_EQ(table.next(kNow, past), kNow + hours(3) + minutes(32));
}

TEST(Timetable, AGoalWithoutAnyBackupIsDue) {
    const Timetable table = Timetable::of_goal(hours(4));
    EXPECT_LT(table.next(kNow, {}).value(), kNow);
    const JobPast past = {.newest_good = {}, .usual_duration = {}, .last_end = kNow, .failures = 2};
    EXPECT_EQ(table.next(kNow, past), kNow + minutes(4));
}

TEST(Timetable, SaysWhatItIs) {
    EXPECT_EQ(Timetable::of_cron("0 2 * * *", "Europe/Berlin", "a").text(),
              "0 2 * * * Europe/Berlin");
    EXPECT_EQ(Timetable::of_interval(hours(6), "a").text(), "every 6h");
    EXPECT_THROW(static_cast<void>(Timetable::of_cron("0 25 * * *", "UTC", "a")), ConfigError);
    EXPECT_THROW(static_cast<void>(Timetable::of_cron("0 2 * * *", "Nowhere", "a")), ConfigError);
}

}  // namespace
}  // namespace dbbackup
