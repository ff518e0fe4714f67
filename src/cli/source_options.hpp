#pragma once

/// @file
/// The options that name a database. Included only by the files that parse: the parsing library's
/// headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace dbbackup {

/// Callbacks write to `source`, which outlives the command.
void add_source_options(CLI::App& command, SourceArguments& source);

}  // namespace dbbackup
