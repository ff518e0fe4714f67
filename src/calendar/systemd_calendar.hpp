#pragma once

/// @file
/// A cron expression in the words of systemd.time(7), for the timers that `schedule export` writes.
/// Pure.

#include "calendar/cron_expression.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// The values of `OnCalendar=`, which together are due when the expression is. They differ from it
/// where clocks are changed: systemd leaves out what is skipped.
/// @param zone A name of a time zone, or "" for the machine's.
/// @throws ConfigError "not_exportable" for what systemd has no words for.
[[nodiscard]] std::vector<std::string> on_calendar(const CronExpression& cron,
                                                   std::string_view zone);

}  // namespace dbbackup
