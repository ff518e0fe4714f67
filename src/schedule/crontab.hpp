#pragma once

/// @file
/// Exported jobs as a file for /etc/cron.d. Pure.
///
/// Source: crontab(5) of Debian's cron, which has neither time zones nor delays.

#include "calendar/time_zone.hpp"
#include "schedule/exported_job.hpp"

#include <vector>

namespace dbbackup {

/// @param machine The zone of its clock.
/// @throws ConfigError "not_exportable" for a job in another time zone, for times that cron has no
/// words for, and for paths that cannot stand in a line.
[[nodiscard]] ExportedFile crontab(const std::vector<ExportedJob>& jobs, const ExportPlace& place,
                                   const TimeZone& machine);

}  // namespace dbbackup
