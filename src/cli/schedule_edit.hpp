#pragma once

/// @file
/// `db-backup schedule add` and `remove`: jobs in files of their own, beside the configuration.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"

namespace dbbackup {

/// Writes the job's file, or leaves none when the configuration would not be valid with it.
[[nodiscard]] ExitCode add_job(const ScheduleArguments& arguments, CommandContext& context);
/// Removes a file that `add_job` wrote; a job that stands elsewhere is not touched.
[[nodiscard]] ExitCode remove_job(const ScheduleArguments& arguments, CommandContext& context);

}  // namespace dbbackup
