#pragma once

/// @file
/// The command `config` and its options. Included only by the files that parse: the parsing
/// library's headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace dbbackup {

/// Callbacks write to `init`, which outlives the command.
void add_config_command(CLI::App& root, GlobalArguments& globals, ConfigInitArguments& init);

}  // namespace dbbackup
