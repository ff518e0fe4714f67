#include "calendar/systemd_calendar.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dbbackup {
namespace {

constexpr unsigned kWeek = 7;
constexpr unsigned kWeeksOfMonth = 5;
constexpr unsigned kDaysOfMonth = 31;
constexpr std::array<std::string_view, kWeek> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                           "Thu", "Fri", "Sat"};

/// One line: a weekday or several, and days of a month, each as systemd has them; "" for any.
struct Days {
    std::string weekdays;
    std::string days;
};

std::string values_of(const CronField& field) {
    return field.is_every() ? "*" : fmt::format("{:02}", fmt::join(field.values(), ","));
}

std::string weekdays_of(const CronField& field) {
    std::vector<std::string_view> names;
    for (const unsigned day : field.values()) {
        names.push_back(kWeekdays.at(day));
    }
    return fmt::format("{}", fmt::join(names, ","));
}

/// What the field of days of a month says by itself.
std::vector<Days> from_days(const CronField& field) {
    std::vector<Days> lines;
    if (const std::string values = values_of(field); !values.empty()) {
        lines.push_back({"", "-" + values});
    }
    for (const unsigned before : field.before_last()) {
        lines.push_back({"", fmt::format("~{:02}", before + 1)});
    }
    return lines;
}

/// What the field of days of a week says by itself.
std::vector<Days> from_weekdays(const CronField& field) {
    std::vector<Days> lines;
    if (field.is_every()) {
        return {{"", "-*"}};
    }
    if (const std::string names = weekdays_of(field); !names.empty()) {
        lines.push_back({names, "-*"});
    }
    for (unsigned day = 0; day < kWeek; ++day) {
        for (unsigned nth = 1; nth <= kWeeksOfMonth; ++nth) {
            if (field.takes_nth(day, nth)) {
                lines.push_back({std::string(kWeekdays.at(day)),
                                 fmt::format("-{:02}..{:02}", (nth - 1) * kWeek + 1,
                                             std::min(nth * kWeek, kDaysOfMonth))});
            }
        }
        if (field.takes_last(day)) {
            lines.push_back({std::string(kWeekdays.at(day)), "~01..07"});
        }
    }
    return lines;
}

/// Days that both fields take, one of which takes any or every so manieth.
std::vector<Days> both(const std::vector<Days>& days, const std::vector<Days>& weekdays) {
    std::vector<Days> lines;
    for (const Days& left : days) {
        for (const Days& right : weekdays) {
            if (left.days != "-*" && right.days != "-*") {
                throw explained<ConfigError>(
                    "systemd has no words for some days of a month and some weeks of it at once",
                    "Use the scheduler itself for this job, or two jobs.", "not_exportable");
            }
            lines.push_back({right.weekdays, left.days == "-*" ? right.days : left.days});
        }
    }
    return lines;
}

}  // namespace

std::vector<std::string> on_calendar(const CronExpression& cron, std::string_view zone) {
    std::vector<Days> lines;
    const std::vector<Days> days = from_days(cron.days());
    std::vector<Days> weekdays = from_weekdays(cron.weekdays());
    if (cron.days().is_any() || cron.weekdays().is_any()) {
        lines = both(days, weekdays);
    } else {
        lines = days;
        lines.insert(lines.end(), weekdays.begin(), weekdays.end());
    }
    std::vector<std::string> made;
    std::transform(lines.begin(), lines.end(), std::back_inserter(made), [&](const Days& line) {
        return fmt::format("{}{}*-{}{} {}:{}:00{}{}", line.weekdays,
                           line.weekdays.empty() ? "" : " ", values_of(cron.months()), line.days,
                           values_of(cron.hours()), values_of(cron.minutes()),
                           zone.empty() ? "" : " ", zone);
    });
    return made;
}

}  // namespace dbbackup
