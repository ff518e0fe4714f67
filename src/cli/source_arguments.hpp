#pragma once

/// @file
/// Which ways to name a database go together. Pure.

#include "cli/arguments.hpp"

#include <string_view>

namespace dbbackup {

/// Whether this is `host=… dbname=…`, which PostgreSQL takes in the place of a URI.
[[nodiscard]] bool is_keyword_list(std::string_view uri);

/// Whether a database is named at all.
[[nodiscard]] bool is_named(const SourceArguments& source);

/// @throws ConfigError (code "usage") where none is given, or two that exclude each other.
void check_source(const SourceArguments& source);

}  // namespace dbbackup
