#pragma once

/// @file
/// The command `export`, and what `backup` takes for archives. Included only by the files that
/// parse: the parsing library's headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace dbbackup {

/// Callbacks write to `arguments`, which outlives the command.
void add_export_command(CLI::App& root, GlobalArguments& globals, ExportArguments& arguments);

/// `--compression`, `--format` and `--output` of `backup`.
void add_archive_options(CLI::App& backup, BackupArguments& arguments);

}  // namespace dbbackup
