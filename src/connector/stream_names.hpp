#pragma once

/// @file
/// What the streams of a server's databases are called: `shop.public.orders` for the rows of a
/// table, `shop:schema` for what a database has beside them, `:roles` for what belongs to none.
/// Pure.

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// A name of up to three parts as the name of a stream: parts that hold one of `.:"` or a control
/// character are quoted, all others are plain, so that no two names give one stream.
[[nodiscard]] std::string stream_name(std::string_view database, std::string_view schema,
                                      std::string_view table);
/// The name of what a database has beside tables: `shop:schema`. An empty database is the server.
[[nodiscard]] std::string special_stream_name(std::string_view database, std::string_view what);

/// The database that a stream belongs to, without quotes; "" for what belongs to the server, and
/// for what is not such a name.
[[nodiscard]] std::string database_of_stream(std::string_view stream);

/// The parts of such a name again: database, schema and table, or database and what.
[[nodiscard]] std::vector<std::string> parts_of_stream(std::string_view name);

}  // namespace dbbackup
