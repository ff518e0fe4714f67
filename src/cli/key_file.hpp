#pragma once

/// @file
/// Key files: 32 random bytes as one line of 64 hexadecimal digits, so that a key can be printed
/// and typed in again.

#include "base/secret.hpp"

#include <filesystem>
#include <stop_token>

namespace dbbackup {

/// @throws ConfigError when the file is missing, unreadable or has another form; Cancelled when
/// `stop` fires while the writer of a pipe is waited for.
[[nodiscard]] Secret read_key_file(const std::filesystem::path& path, std::stop_token stop = {});

/// Draws a new key and writes it to a new file, 0600: beside, synced, then renamed, so that no part
/// of a key ever has that name. @throws ConfigError when the file exists or cannot be written.
[[nodiscard]] Secret make_key_file(const std::filesystem::path& path);

}  // namespace dbbackup
