#pragma once

/// @file
/// The tables of a stored database with the bytes that they take.
///
/// Data path: storage -> unpacker -> stored_database, page_census -> [table_sizes].

#include "config/name_pattern.hpp"
#include "connector/connector.hpp"
#include "connector/contents.hpp"

#include <stop_token>
#include <vector>

namespace dbbackup::sqlite {

/// Those that `names` takes, the tables of SQLite itself among them, first that of the schema. With
/// a virtual table come its shadow tables.
/// @throws SourceError (source_corrupt), what the stream throws.
[[nodiscard]] std::vector<StoredTable> table_sizes(StreamReader& stream, const NameSelection& names,
                                                   std::stop_token stop);

}  // namespace dbbackup::sqlite
