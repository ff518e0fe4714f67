#pragma once

/// @file
/// Whether the words of `schedule` and `notify` go together.

#include "cli/arguments.hpp"

#include <string>

namespace dbbackup {

/// @param name The command below `schedule`, or something else when none was given.
/// @throws ConfigError (code "usage").
[[nodiscard]] ScheduleArguments checked_schedule(const std::string& name,
                                                 ScheduleArguments arguments,
                                                 const GlobalArguments& globals);
[[nodiscard]] NotifyArguments checked_notify(const std::string& name,
                                             const NotifyArguments& arguments);

}  // namespace dbbackup
