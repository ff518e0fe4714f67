#pragma once

/// @file
/// From the arguments of `restore` to what the engine is to do; of snapshots and archives alike.

#include "cli/arguments.hpp"
#include "engine/restore.hpp"

#include <string>
#include <vector>

namespace dbbackup {

/// @pre The target is given. @throws ConfigError for what excludes each other.
[[nodiscard]] RestoreOptions restore_options(const RestoreArguments& arguments);

/// What a stop leaves of several databases once some are restored.
[[nodiscard]] std::string left_text(const std::vector<std::string>& restored);

/// A target must be given. @throws ConfigError (code "target_missing").
void check_target(const RestoreArguments& arguments, DatabaseType type);

}  // namespace dbbackup
