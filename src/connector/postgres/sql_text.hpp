#pragma once

/// @file
/// Names and values as SQL text. Pure.

#include <string>
#include <string_view>

namespace dbbackup::postgres {

/// "we""ird": always quoted, so that no list of reserved words is needed.
[[nodiscard]] std::string quoted_name(std::string_view identifier);
/// "schema"."table"
[[nodiscard]] std::string quoted_name(std::string_view schema, std::string_view name);
/// 'it''s', for servers with standard_conforming_strings on, which `Connection` sets.
[[nodiscard]] std::string literal(std::string_view text);

/// The encoding in which names of a database are told: UTF-8 wherever a server can convert its own
/// to that. Source: PostgreSQL manual, 24.3.4 "Available Character Set Conversions".
/// @param encoding The database's.
[[nodiscard]] std::string encoding_of_names(std::string_view encoding);
/// What COPY is told, so that rows are in the database's own encoding, and none is converted:
/// " WITH (ENCODING 'LATIN1')", or "" where names are in it, too.
[[nodiscard]] std::string encoding_of_rows(std::string_view encoding);

}  // namespace dbbackup::postgres
