#pragma once

/// @file
/// When a job is due, as cron says it. Pure.
///
/// Five fields: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday), with
/// names, lists, ranges and steps as in crontab(5), and what other schedulers added: `L`
/// (`L` and `L-3` as a day of the month, `FRIL` or `5L` as the last Friday of it), `MON#2` (the
/// second Monday), `H`, `H/15`, `H(0-5)` (a value that depends on the job, so that many hosts do
/// not all begin at once), `?` for `*` in the two fields of days, and @hourly, @daily, @midnight,
/// @weekly,
/// @monthly, @annually, @yearly. When both fields of days are restricted, a day has to be taken by
/// one of them (crontab(5)).
///
/// When clocks are changed: an expression that takes every hour follows the real time, so it runs
/// in both of the hours that have the same name and in none that is skipped. Each other runs once
/// at each time of the wall clock that it names: at the first of two, and at the moment of the
/// change for what is skipped.

#include "calendar/cron_field.hpp"
#include "calendar/time_zone.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Immutable.
class CronExpression {
public:
    /// @param spread What `H` depends on, such as host and job.
    /// @throws ConfigError "cron_invalid" that names the part that is wrong, also for an
    /// expression that no day ever fits.
    [[nodiscard]] static CronExpression parse(std::string_view text, std::string_view spread);

    /// The first moment later than `after`; nothing when there is none in the next 30 years.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> next(std::chrono::sys_seconds after,
                                                               const TimeZone& zone) const;

    [[nodiscard]] bool takes_day(std::chrono::local_days day) const;
    [[nodiscard]] bool takes_time(std::chrono::seconds since_midnight) const;
    /// It follows the real time when clocks are changed.
    [[nodiscard]] bool is_every_hour() const { return hours_.is_every(); }

    /// As it was written.
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const CronField& minutes() const { return minutes_; }
    [[nodiscard]] const CronField& hours() const { return hours_; }
    [[nodiscard]] const CronField& days() const { return days_; }
    [[nodiscard]] const CronField& months() const { return months_; }
    [[nodiscard]] const CronField& weekdays() const { return weekdays_; }

private:
    CronExpression(std::string text, CronField minutes, CronField hours, CronField days,
                   CronField months, CronField weekdays);

    [[nodiscard]] std::optional<std::chrono::sys_seconds> next_on(std::chrono::local_days day,
                                                                  std::chrono::sys_seconds after,
                                                                  const TimeZone& zone) const;

    std::string text_;
    CronField minutes_;
    CronField hours_;
    CronField days_;
    CronField months_;
    CronField weekdays_;
};

}  // namespace dbbackup
