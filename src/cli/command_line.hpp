#pragma once

/// @file
/// The words after `db-backup`, as data. First thing that `main` does; touches nothing outside.

#include "cli/arguments.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace dbbackup {

/// What help texts are made for.
struct HelpStyle {
    std::size_t width = 80;  ///< Columns; texts are wrapped to it.
};

/// Parses everything after the program's name. Help and version come back as `PrintArguments`.
/// @throws ConfigError for everything that is wrong, with the nearest valid word as the hint.
[[nodiscard]] CommandLine parse_command_line(const std::vector<std::string>& words,
                                             const HelpStyle& style = {});

/// Whether `--json` stands among `words`: how to report that parsing itself failed.
[[nodiscard]] bool asks_for_json(const std::vector<std::string>& words);

}  // namespace dbbackup
