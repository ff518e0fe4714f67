#pragma once

/// @file
/// The tree of commands as JSON, for what is made of it: the manual page and the reference. A
/// hidden command prints it, so that neither lags behind the program.

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace dbbackup {

/// The hidden command's name.
inline constexpr std::string_view kDescribeCommand = "__describe";

/// What help says of `root` and of all commands below it, as one JSON document that ends a line.
/// A command is an object: `name`, `description`, `arguments` (`name`, `description`, `repeats`),
/// `options` (`names`, `value`: null for a flag, `description`, `group`), `examples` (lines) and
/// `commands`. What help hides is left out.
[[nodiscard]] std::string command_description(const CLI::App& root);

}  // namespace dbbackup
