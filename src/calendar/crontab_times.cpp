#include "calendar/crontab_times.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace dbbackup {
namespace {

constexpr unsigned kLastMinute = 59;
constexpr unsigned kLastHour = 23;
constexpr unsigned kDaysOfMonth = 31;
constexpr unsigned kMonths = 12;
constexpr unsigned kWeek = 7;
constexpr unsigned kWeeksOfMonth = 5;

ConfigError no_words(const CronExpression& cron, std::string_view for_what) {
    return explained<ConfigError>(
        fmt::format("cron has no words for {} ('{}')", for_what, cron.text()),
        "Let the scheduler itself or systemd run this job, or make two of it.", "not_exportable");
}

std::string values_of(const CronField& field, unsigned first, unsigned last) {
    std::vector<unsigned> values;
    for (unsigned value = first; value <= last; ++value) {
        if (field.takes(value)) {
            values.push_back(value);
        }
    }
    return fmt::format("{}", fmt::join(values, ","));
}

std::string times_of(const CronField& field, unsigned first, unsigned last) {
    return field.is_every() ? "*" : values_of(field, first, last);
}

/// Of the two fields of days a star says that the other one decides (crontab(5)), so that
/// "1-31" is not the same.
std::string days_of(const CronField& field, unsigned first, unsigned last) {
    return field.is_any() && field.is_every() ? "*" : values_of(field, first, last);
}

bool has_weeks(const CronField& weekdays) {
    for (unsigned day = 0; day < kWeek; ++day) {
        for (unsigned nth = 1; nth <= kWeeksOfMonth; ++nth) {
            if (weekdays.takes_nth(day, nth)) {
                return true;
            }
        }
        if (weekdays.takes_last(day)) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string crontab_times(const CronExpression& cron) {
    if (!cron.days().before_last().empty()) {
        throw no_words(cron, "days counted from the end of a month");
    }
    if (has_weeks(cron.weekdays())) {
        throw no_words(cron, "weeks of a month");
    }
    const auto is_step = [](const CronField& field) { return field.is_any() && !field.is_every(); };
    // Some take a step for a star, some do not.
    if ((is_step(cron.days()) && !cron.weekdays().is_every()) ||
        (is_step(cron.weekdays()) && !cron.days().is_every())) {
        throw no_words(cron, "days that both fields have to take");
    }
    return fmt::format("{} {} {} {} {}", times_of(cron.minutes(), 0, kLastMinute),
                       times_of(cron.hours(), 0, kLastHour), days_of(cron.days(), 1, kDaysOfMonth),
                       times_of(cron.months(), 1, kMonths), days_of(cron.weekdays(), 0, kWeek - 1));
}

}  // namespace dbbackup
