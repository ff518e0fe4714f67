#pragma once

/// @file
/// `db-backup schedule start --daemon`: a scheduler that outlives the terminal.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"

namespace dbbackup {

/// Starts the scheduler as a process of its own and waits until it watches its jobs. What goes
/// wrong there is said here, and its exit code is ours.
[[nodiscard]] ExitCode start_daemon(const ScheduleArguments& arguments, CommandContext& context);

}  // namespace dbbackup
