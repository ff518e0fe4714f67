// Days when clocks are changed: one by one, and against a watcher that looks at a wall clock each
// minute.

#include "base/clock.hpp"
#include "calendar/cron_expression.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

std::vector<std::string> between(std::string_view cron, std::string_view zone,
                                 std::string_view first, std::string_view last) {
    const CronExpression expression = CronExpression::parse(cron, "job");
    const TimeZone in = TimeZone::find(zone);
    std::vector<std::string> times;
    sys_seconds time = floor<seconds>(parse_time(first).value().first) - seconds(1);
    while (true) {
        time = expression.next(time, in).value();
        if (time > floor<seconds>(parse_time(last).value().first)) {
            return times;
        }
        times.push_back(format_rfc3339(time).substr(5, 11));
    }
}

using Times = std::vector<std::string>;

// In Berlin 2026, 29 March has no 02:00 to 02:59 (01:00Z is 03:00), and 25 October has them twice
// (from 00:00Z and from 01:00Z).
TEST(ClockChanges, WhatIsSkippedRunsWhenTheClockJumps) {
    EXPECT_EQ(
        between("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"),
        (Times{"03-28T01:30", "03-29T01:00", "03-30T00:30"}));
    EXPECT_EQ(
        between("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"),
        (Times{"03-29T01:00", "03-29T01:30"}));
}

TEST(ClockChanges, WhatComesTwiceRunsOnce) {
    EXPECT_EQ(
        between("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z"),
        (Times{"10-24T00:30", "10-25T00:30", "10-26T01:30"}));
    EXPECT_EQ(
        between("0 */2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z"),
        (Times{"10-24T22:00", "10-25T00:00", "10-25T03:00"}));
}

TEST(ClockChanges, EveryHourMeansTheRealTime) {
    EXPECT_EQ(
        between("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"),
        (Times{"03-29T00:30", "03-29T01:30", "03-29T02:30"}));
    EXPECT_EQ(
        between("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z"),
        (Times{"10-25T00:30", "10-25T01:30", "10-25T02:30"}));
}

TEST(ClockChanges, ADayThatAZoneLeftOutRunsAtItsEnd) {
    // Samoa had no 30 December 2011: after 29 December, 24:00, which is 10:00Z, came the 31st.
    EXPECT_EQ(between("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z"),
              (Times{"12-29T22:00", "12-30T10:00", "12-30T22:00"}));
}

/// Looks at a wall clock each minute, and knows nothing of days or offsets.
class Watcher {
public:
    Watcher(const CronExpression& cron, const TimeZone& zone, sys_seconds begin)
        : cron_(cron), zone_(zone), seen_(zone.local(begin)) {}

    /// Whether it is time. @param now A minute after the one before.
    bool look(sys_seconds now) {
        const local_seconds shown = zone_.local(now);
        bool is_due = false;
        if (cron_.is_every_hour()) {
            is_due = takes(shown);
        } else {
            // All that the clock shows for the first time, or jumped over.
            for (local_seconds each = seen_ + minutes(1); each <= shown; each += minutes(1)) {
                is_due = is_due || takes(each);
            }
        }
        seen_ = std::max(seen_, shown);
        return is_due;
    }

private:
    [[nodiscard]] bool takes(local_seconds time) const {
        const local_days day = floor<days>(time);
        return cron_.takes_day(day) && cron_.takes_time(time - day);
    }

    const CronExpression& cron_;
    const TimeZone& zone_;
    local_seconds seen_;
};

/// The days before each change of an offset in 50 years.
std::vector<sys_seconds> changes(const TimeZone& zone) {
    std::vector<sys_seconds> found;
    const auto offset = [&zone](sys_seconds time) {
        return zone.local(time).time_since_epoch() - time.time_since_epoch();
    };
    for (sys_days day = std::chrono::year(1990) / 1 / 1; day < std::chrono::year(2040) / 1 / 1;
         day += days(1)) {
        if (offset(day) != offset(day + days(1))) {
            found.emplace_back(day);
        }
    }
    return found;
}

std::string random_expression(std::mt19937& random) {
    const auto one_of = [&random](const auto& words) {
        return std::string(words[random() % words.size()]);
    };
    constexpr std::array<std::string_view, 8> kMinutes = {"0",    "30",      "*",  "*/7",
                                                          "1,59", "15-45/5", "59", "0,30"};
    constexpr std::array<std::string_view, 9> kHours = {"*",   "2",    "0",   "1-3", "*/2",
                                                        "*/3", "23,0", "2,3", "0-23"};
    constexpr std::array<std::string_view, 5> kDays = {"*", "*", "1-15", "L", "*/2"};
    constexpr std::array<std::string_view, 4> kWeekdays = {"*", "*", "SUN", "5L"};
    return one_of(kMinutes) + " " + one_of(kHours) + " " + one_of(kDays) + " * " +
           one_of(kWeekdays);
}

class ClockChangesOf : public testing::TestWithParam<std::string> {};

TEST_P(ClockChangesOf, AreWhatAWatcherOfTheClockSees) {
    const TimeZone zone = TimeZone::find(GetParam());
    std::mt19937 random(7);  // NOLINT(cert-msc*): the same each time.
    for (const sys_seconds change : changes(zone)) {
        const std::string text = random_expression(random);
        const CronExpression cron = CronExpression::parse(text, "job");
        const sys_seconds begin = change - days(1);
        const sys_seconds end = change + days(2);
        Watcher watcher(cron, zone, begin);
        std::vector<sys_seconds> seen;
        for (sys_seconds now = begin + minutes(1); now <= end; now += minutes(1)) {
            if (watcher.look(now)) {
                seen.push_back(now);
            }
        }
        std::vector<sys_seconds> told;
        for (auto next = cron.next(begin, zone); next && *next <= end;
             next = cron.next(*next, zone)) {
            told.push_back(*next);
        }
        ASSERT_EQ(told, seen) << text << " around " << format_rfc3339(change);
    }
}

INSTANTIATE_TEST_SUITE_P(Zones, ClockChangesOf,
                         testing::Values("UTC", "Europe/Berlin", "Europe/London",
                                         "America/New_York", "America/St_Johns",
                                         "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Tehran",
                                         "Africa/Casablanca", "Africa/Cairo", "Pacific/Apia",
                                         "Pacific/Chatham", "Antarctica/Troll"),
                         [](const auto& zone) {
                             std::string name = zone.param;
                             std::erase_if(name, [](char c) { return c == '/' || c == '_'; });
                             return name;
                         });

}  // namespace
}  // namespace dbbackup
