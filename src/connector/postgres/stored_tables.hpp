#pragma once

/// @file
/// The tables and views of a snapshot for people: `show --tables`.

#include "config/name_pattern.hpp"
#include "connector/connector.hpp"
#include "connector/contents.hpp"

#include <stop_token>
#include <vector>

namespace dbbackup::postgres {

/// Of a stream of rows its table, with the size of the rows as text; of the definitions the views.
/// Only definitions are fetched. @throws ConfigError (code "tables_not_supported") for a dump; else
/// as `StreamReader`.
[[nodiscard]] std::vector<StoredTable> stored_tables(StreamReader& stream,
                                                     const NameSelection& names,
                                                     std::stop_token stop);

}  // namespace dbbackup::postgres
