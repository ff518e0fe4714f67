#pragma once

/// @file
/// The command lines of `schedule` and `notify`.

#include "cli/arguments.hpp"
#include "cli/command_options.hpp"

namespace dbbackup {

void add_schedule_command(CLI::App& root, GlobalArguments& globals, ScheduleArguments& arguments);
void add_notify_command(CLI::App& root, GlobalArguments& globals, NotifyArguments& arguments);

}  // namespace dbbackup
