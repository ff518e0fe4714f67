#pragma once

/// @file
/// When a job is due: by a cron expression, each interval, or so that there is always a good backup
/// that is young enough. Pure.

#include "calendar/cron_expression.hpp"
#include "calendar/time_zone.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>

namespace dbbackup {

/// At multiples of an interval since 1970, moved by a part of it that depends on the job, so that
/// neither a restart nor a changed configuration shifts them, and many jobs do not begin at once.
struct Interval {
    std::chrono::seconds length;
    std::chrono::seconds offset;  ///< Less than `length`.
};

/// There is never no good backup older than this.
struct Goal {
    std::chrono::seconds age;
};

/// What a goal depends on.
struct JobPast {
    std::optional<std::chrono::sys_seconds> newest_good;  ///< When its backup was begun.
    std::chrono::seconds usual_duration{0};
    std::optional<std::chrono::sys_seconds> last_end;  ///< Of any run, good or not.
    unsigned failures = 0;                             ///< Since the last good run.
};

class Timetable {
public:
    /// @param spread What `H` of a cron expression and the offset of an interval depend on.
    /// @throws ConfigError "cron_invalid", "timezone_unknown".
    [[nodiscard]] static Timetable of_cron(std::string_view text, std::string_view zone,
                                           std::string_view spread);
    [[nodiscard]] static Timetable of_interval(std::chrono::seconds length,
                                               std::string_view spread);
    [[nodiscard]] static Timetable of_goal(std::chrono::seconds age);

    /// The first due time later than `after`; nothing when there is none any more. For a goal,
    /// the only one there is: in the past when a backup should have been begun.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> next(std::chrono::sys_seconds after,
                                                               const JobPast& past) const;

    [[nodiscard]] const Goal* goal() const { return std::get_if<Goal>(&kind_); }
    [[nodiscard]] const CronExpression* cron() const { return std::get_if<CronExpression>(&kind_); }
    [[nodiscard]] const Interval* interval() const { return std::get_if<Interval>(&kind_); }
    [[nodiscard]] const TimeZone& zone() const { return zone_; }
    /// "0 2 * * * Europe/Berlin", "every 6h", "rpo 1h".
    [[nodiscard]] std::string text() const;

private:
    using Kind = std::variant<CronExpression, Interval, Goal>;
    Timetable(Kind kind, TimeZone zone) : kind_(std::move(kind)), zone_(std::move(zone)) {}

    Kind kind_;
    TimeZone zone_;
};

}  // namespace dbbackup
