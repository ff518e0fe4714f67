// What we write for systemd's timers, and what `systemd-analyze calendar` says that it means: a
// second opinion on cron's expressions, too.

#include "calendar/systemd_calendar.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::size_t kTimes = 40;

/// The next times, as systemd has them; empty where it is no calendar to it.
std::vector<std::string> from_systemd(const std::string& calendar, sys_seconds after) {
    const std::string command = fmt::format(
        "LC_ALL=C TZ=UTC systemd-analyze calendar --base-time='@{}' --iterations={} '{}' 2>&1",
        after.time_since_epoch().count(), kTimes, calendar);
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::vector<std::string> times;
    std::array<char, 512> line{};
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
        const std::string text(line.data());
        const bool is_time = text.find("Next elapse: ") != std::string::npos ||
                             text.find("Iter. #") != std::string::npos ||
                             text.find("Iteration #") != std::string::npos;
        if (is_time) {
            constexpr std::string_view kWeekday = ": Fri ";
            times.push_back(text.substr(text.find(": ") + kWeekday.size(), 16));
        }
    }
    return times;
}

std::set<std::string> from_systemd(const std::vector<std::string>& calendars, sys_seconds after) {
    std::set<std::string> times;
    for (const std::string& each : calendars) {
        const std::vector<std::string> found = from_systemd(each, after);
        EXPECT_FALSE(found.empty()) << each;
        times.insert(found.begin(), found.end());
    }
    while (times.size() > kTimes) {
        times.erase(std::prev(times.end()));
    }
    return times;
}

/// Ours, without those at which a clock jumps, which systemd leaves out.
std::set<std::string> ours(const CronExpression& cron, const TimeZone& zone, sys_seconds after) {
    std::set<std::string> times;
    sys_seconds time = after;
    while (times.size() < kTimes) {
        const auto next = cron.next(time, zone);
        if (!next) {
            break;
        }
        time = *next;
        const std::chrono::local_seconds local = zone.local(time);
        const auto day = floor<std::chrono::days>(local);
        if (cron.takes_day(day) && cron.takes_time(local - day)) {
            std::string text = format_rfc3339(time).substr(0, 16);
            text[10] = ' ';
            times.insert(text);
        }
    }
    return times;
}

class SystemdCalendar : public testing::TestWithParam<const char*> {};

TEST_P(SystemdCalendar, MeansTheSame) {
    const CronExpression cron = CronExpression::parse(GetParam(), "job");
    for (const char* const zone : {"UTC", "Europe/Berlin", "America/St_Johns"}) {
        for (const char* const from : {"2026-11-27T10:07:00Z", "2028-02-28T23:59:00Z"}) {
            const sys_seconds after = floor<seconds>(parse_time(from).value().first);
            EXPECT_EQ(from_systemd(on_calendar(cron, zone), after),
                      ours(cron, TimeZone::find(zone), after))
                << zone << " from " << from;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Expressions, SystemdCalendar,
                         testing::Values("0 2 * * *", "30 1 * * 1-5", "15 4 1 * *", "0 0 13 * FRI",
                                         "0 0 L * *", "0 0 L-2 * *", "0 12 * * 5L",
                                         "0 12 * * MON#2", "0 12 * * 6#1,7#5", "0 3 1,15,L * *",
                                         "5,35 1-23/3 * * *", "0 2 29 2 *", "0 0 */10 * *",
                                         "7 5 * 1,7 SUN", "59 23 31 12 *", "H H * * *", "@weekly"));

TEST(SystemdCalendars, SayWhatTheyCannot) {
    EXPECT_THROW(
        static_cast<void>(on_calendar(CronExpression::parse("0 0 */2 * MON#2", "job"), "UTC")),
        ConfigError);
}

}  // namespace
}  // namespace dbbackup
