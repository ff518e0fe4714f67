#pragma once

/// @file
/// Reads files that hold a passphrase, a password or a key.

#include "base/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>

namespace dbbackup {

/// As long as a command for a secret has: a person may have to answer a question first.
inline constexpr std::chrono::seconds kSecretPatience = std::chrono::minutes(2);

/// Reads the whole file, or nothing when there is none. Pipes work too (`<(command)`, /dev/stdin,
/// a named pipe): their writer has until `patience` is over to write everything and to close.
/// @throws FileError, also when it is larger than `bytes_max` (EFBIG) or the writer of a pipe is
/// too slow (ETIMEDOUT); Cancelled when `stop` fires.
[[nodiscard]] std::optional<Bytes> read_secret_file(const std::filesystem::path& path,
                                                    std::uint64_t bytes_max,
                                                    std::chrono::milliseconds patience,
                                                    std::stop_token stop);

/// Whether this is a file that its group or everybody may read.
[[nodiscard]] bool is_readable_by_others(const std::filesystem::path& path) noexcept;

}  // namespace dbbackup
