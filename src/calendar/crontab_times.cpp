#include "calendar/crontab_times.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>

namespace dbbackup {
namespace {

ConfigError no_words(const CronExpression& cron, std::string_view for_what) {
    return explained<ConfigError>(
        fmt::format("cron has no words for {} ('{}')", for_what, cron.text()),
        "Let the scheduler itself or systemd run this job, or make two of it.", "not_exportable");
}

std::string values_of(const CronField& field) {
    return fmt::format("{}", fmt::join(field.values(), ","));
}

std::string times_of(const CronField& field) { return field.is_every() ? "*" : values_of(field); }

/// Of the two fields of days a star says that the other one decides (crontab(5)), so that
/// "1-31" is not the same.
std::string days_of(const CronField& field) {
    return field.is_any() && field.is_every() ? "*" : values_of(field);
}

}  // namespace

std::string crontab_times(const CronExpression& cron) {
    if (!cron.days().before_last().empty()) {
        throw no_words(cron, "days counted from the end of a month");
    }
    if (cron.weekdays().has_weeks()) {
        throw no_words(cron, "weeks of a month");
    }
    const auto is_step = [](const CronField& field) { return field.is_any() && !field.is_every(); };
    // Some take a step for a star, some do not.
    if ((is_step(cron.days()) && !cron.weekdays().is_every()) ||
        (is_step(cron.weekdays()) && !cron.days().is_every())) {
        throw no_words(cron, "days that both fields have to take");
    }
    return fmt::format("{} {} {} {} {}", times_of(cron.minutes()), times_of(cron.hours()),
                       days_of(cron.days()), times_of(cron.months()), days_of(cron.weekdays()));
}

}  // namespace dbbackup
