#pragma once

/// @file
/// What can be seen cheaply of a damaged database. Not a proof of health: only
/// `PRAGMA integrity_check` looks at every page's inside, and it takes many times as long as
/// reading the file. It runs where that is asked for (`restore --verify`).

#include "connector/sqlite/view.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// Fields of the header that cannot be right in an image of `page_count` pages.
[[nodiscard]] std::vector<std::string> damage_in_header(const FileHeader& header,
                                                        std::uint64_t page_count);

/// Reads the schema and looks whether each table and index begins at a page that can be one.
/// @throws SqliteError with SQLITE_CORRUPT when the schema itself cannot be read.
[[nodiscard]] std::vector<std::string> damage_in_roots(View& view);

}  // namespace dbbackup::sqlite
