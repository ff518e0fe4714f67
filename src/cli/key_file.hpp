#pragma once

/// @file
/// Key files: 32 random bytes as one line of 64 hexadecimal digits, so that a key can be printed
/// and typed in again.

#include "base/secret.hpp"

#include <filesystem>

namespace dbbackup {

/// @throws ConfigError when the file is missing, unreadable or has another form.
[[nodiscard]] Secret read_key_file(const std::filesystem::path& path);

/// Draws a new key and writes it to a new file, 0600. @throws ConfigError when the file exists or
/// cannot be written.
[[nodiscard]] Secret make_key_file(const std::filesystem::path& path);

}  // namespace dbbackup
