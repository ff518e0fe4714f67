#pragma once

/// @file
/// `db-backup schedule list`, and what is shown of a run.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"
#include "schedule/job.hpp"

#include <nlohmann/json.hpp>

namespace dbbackup {

[[nodiscard]] ExitCode list_jobs(const ScheduleArguments& arguments, CommandContext& context);

/// A run as JSON.
[[nodiscard]] nlohmann::ordered_json run_json(const JobRun& run);

/// @throws ConfigError (code "no_schedules") when the configuration has no jobs.
void require_jobs(const Config& config);

}  // namespace dbbackup
