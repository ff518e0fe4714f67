#pragma once

/// @file
/// Which ways to name a database go together. Pure.

#include "cli/arguments.hpp"

namespace dbbackup {

/// @throws ConfigError (code "usage") where none is given, or two that exclude each other.
void check_source(const SourceArguments& source);

}  // namespace dbbackup
