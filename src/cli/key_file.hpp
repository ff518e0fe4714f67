#pragma once

/// @file
/// Key files: 32 random bytes as one line of 64 hexadecimal digits, so that a key can be printed
/// and typed in again.

#include "base/log.hpp"
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

/// The key in a file that need not be there.
struct KeyOfFile {
    Secret secret;
    bool is_new = false;  ///< This call made the file.
};

/// Reads the key, or makes it unless the file is there: an earlier call may have made it and been
/// interrupted. A file that others may read is warned of. @throws as the two above.
[[nodiscard]] KeyOfFile read_or_make_key_file(const std::filesystem::path& path, Log& log,
                                              std::stop_token stop);

}  // namespace dbbackup
