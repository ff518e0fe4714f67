#pragma once

/// @file
/// Where this call logs to: the command line laid over the configuration.

#include "base/log.hpp"
#include "cli/arguments.hpp"
#include "config/config.hpp"

namespace dbbackup {

/// Pure, but for a random run id. stderr shows warnings; with `--verbose` also what happens, with
/// `--quiet` only errors. `--log-level`, else `logging.level`, is for the file if there is one,
/// else for stderr, where only the option outweighs `--verbose` and `--quiet`.
[[nodiscard]] LogOptions choose_log(const GlobalArguments& globals, const LoggingConfig& config);

}  // namespace dbbackup
