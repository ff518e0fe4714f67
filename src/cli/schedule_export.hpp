#pragma once

/// @file
/// `schedule export`: the jobs of the configuration for schedulers that run already.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"

namespace dbbackup {

/// Prints the files, or writes them into a folder, where nothing of these names may stand.
/// @throws ConfigError "no_schedules", "job_unknown", "not_exportable", "output_exists".
ExitCode export_jobs(const ScheduleArguments& arguments, CommandContext& context);

}  // namespace dbbackup
