#pragma once

/// @file
/// Texts in commands that people paste into a shell.

#include <string>

namespace dbbackup {

/// `text` as one word of a POSIX shell.
[[nodiscard]] std::string shell_word(const std::string& text);

}  // namespace dbbackup
