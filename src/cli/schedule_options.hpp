#pragma once

/// @file
/// The commands `schedule` and `notify` and their options. Included only by the files that parse:
/// the parsing library's headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace dbbackup {

/// Callbacks write to `arguments`, which outlives the command.
void add_schedule_command(CLI::App& root, GlobalArguments& globals, ScheduleArguments& arguments);
void add_notify_command(CLI::App& root, GlobalArguments& globals, NotifyArguments& arguments);

}  // namespace dbbackup
