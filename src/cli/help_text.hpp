#pragma once

/// @file
/// How help looks: two columns, wrapped to the terminal's width, examples that can be pasted.

#include <CLI/CLI.hpp>

#include <cstddef>
#include <memory>

namespace dbbackup {

/// A formatter for texts of at most `width` columns (never fewer than 40).
[[nodiscard]] std::shared_ptr<CLI::FormatterBase> help_formatter(std::size_t width);

}  // namespace dbbackup
