#pragma once

/// @file
/// Completion in shells. The scripts are three thin wrappers around a hidden command that walks the
/// tree of commands, so that they never lag behind the program.

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// The hidden command's name.
inline constexpr std::string_view kCompleteCommand = "__complete";

/// What may stand in place of the last of `words`: "word<TAB>description" lines.
[[nodiscard]] std::string completions(const CLI::App& root, const std::vector<std::string>& words);

/// The script for "bash", "zsh" or "fish".
[[nodiscard]] std::string completion_script(std::string_view shell);

}  // namespace dbbackup
