#pragma once

/// @file
/// Sizes and durations: literals, what people write in a configuration, what they read in output.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

consteval std::uint64_t operator""_KiB(unsigned long long count) { return count << 10U; }
consteval std::uint64_t operator""_MiB(unsigned long long count) { return count << 20U; }
consteval std::uint64_t operator""_GiB(unsigned long long count) { return count << 30U; }

/// Reads "1GiB", "512 KiB", "64k", "10MB" or a bare number of bytes. KiB, MiB ... and the bare
/// letters k, M, G, T, P are powers of 1024; kB, MB ... are powers of 1000 (IEC 80000-13). Letters
/// of the prefix may have either case.
/// Nothing when `text` is not a size or does not fit 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// Reads "50MiB/s": a size that moves in a second. Nothing otherwise.
[[nodiscard]] std::optional<std::uint64_t> parse_rate(std::string_view text);

/// Whether `text` is a number other than 0 without a unit: of a size that a person writes, nobody
/// knows whether bytes or mebibytes are meant.
[[nodiscard]] bool lacks_unit(std::string_view text);

/// "1.5 GiB", "912 B": at most one decimal.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// Reads "90s", "15m", "6h", "30d", "2w" or a combination such as "1h30m". Nothing otherwise.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);

/// "0.4 s", "12 s", "3 min 05 s", "2 h 11 min".
[[nodiscard]] std::string format_duration(std::chrono::duration<double> duration);

}  // namespace dbbackup
