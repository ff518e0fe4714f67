#pragma once

/// @file
/// The command `doctor` and its options. Included only by the files that parse: the parsing
/// library's headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace dbbackup {

/// Callbacks write to `arguments`, which outlives the command.
void add_doctor_command(CLI::App& root, GlobalArguments& globals, DoctorArguments& arguments);

}  // namespace dbbackup
