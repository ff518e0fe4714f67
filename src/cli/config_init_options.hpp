#pragma once

/// @file
/// The options of `config init`. Included only by the files that parse: the parsing library's
/// headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace dbbackup {

/// Adds them to the command; callbacks write to `arguments`, which outlives it.
void add_config_init_options(CLI::App& command, ConfigInitArguments& arguments);

}  // namespace dbbackup
