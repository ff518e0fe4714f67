#pragma once

/// @file
/// When an exported job runs: timers of others know points of the calendar only, so intervals and
/// goals become such. Pure.

#include "calendar/cron_expression.hpp"
#include "config/schedule_config.hpp"

#include <string>
#include <string_view>

namespace dbbackup {

struct ExportTimes {
    CronExpression cron;
    std::string zone;    ///< "" for the machine's.
    std::string remark;  ///< How it differs from what the scheduler would do; "" for not at all.
};

/// @param spread What `H` and the offset of an interval depend on.
/// @throws ConfigError "cron_invalid"; "not_exportable" for an interval that is no part of an hour
/// or a day, since the calendar has no place for it.
[[nodiscard]] ExportTimes export_times(const ScheduleConfig& schedule, std::string_view spread);

}  // namespace dbbackup
