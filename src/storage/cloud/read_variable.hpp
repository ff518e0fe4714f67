#pragma once

/// @file
/// The environment, as what looks for credentials there sees it.

#include <functional>
#include <optional>
#include <string>

namespace dbbackup {

/// Reads one variable of the environment; nothing where it is unset or empty.
using ReadVariable = std::function<std::optional<std::string>(const char* name)>;

}  // namespace dbbackup
