#pragma once

/// @file
/// What the first bytes of a SQLite file say: enough to tell whether it is whole.
/// Source: sqlite.org/fileformat2.html, section 1.3.

#include "base/bytes.hpp"

#include <cstdint>

namespace dbbackup {

inline constexpr std::size_t kSqliteHeaderBytes = 100;

/// Of a SQLite database with this beginning.
/// @param size_bytes Of the whole; 0 is an empty database.
/// @return The size of its pages.
/// @throws ConfigError (code "archive_unknown") when it is no SQLite database; CorruptionError
/// (code "archive_damaged") when it is cut off.
[[nodiscard]] std::uint32_t checked_page_bytes(BytesView header, std::uint64_t size_bytes);

}  // namespace dbbackup
