#pragma once

/// @file
/// Names and values as SQL text. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// "we""ird": always quoted, so that no list of reserved words is needed.
[[nodiscard]] std::string quoted_name(std::string_view identifier);
/// "schema"."table"
[[nodiscard]] std::string quoted_name(std::string_view schema, std::string_view name);
/// 'it''s', for servers with standard_conforming_strings on, which `Connection` sets.
[[nodiscard]] std::string literal(std::string_view text);

/// A name of up to three parts as the name of a stream: parts that hold one of `.:"` or a control
/// character are quoted, all others are plain, so that no two names give one stream.
[[nodiscard]] std::string stream_name(std::string_view database, std::string_view schema,
                                      std::string_view table);
/// The name of what a database has beside tables: `shop:schema`. An empty database is the server.
[[nodiscard]] std::string special_stream_name(std::string_view database, std::string_view what);

/// The parts of such a name again: database, schema and table, or database and what.
[[nodiscard]] std::vector<std::string> parts_of_stream(std::string_view name);

}  // namespace dbbackup::postgres
