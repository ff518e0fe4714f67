#pragma once

/// @file
/// What of an archive is in a database already, by kind and name.

#include "connector/postgres/connection.hpp"
#include "connector/postgres/toc.hpp"

#include <set>
#include <span>
#include <string>

namespace dbbackup::postgres {

/// Of these entries, the relations and objects that the database has by the same name, whatever
/// they look like there.
[[nodiscard]] std::set<int> there_of(Connection& connection, const Toc& toc,
                                     std::span<const int> ids);

/// DROP TABLE, DROP VIEW … of what has a name in the database, whatever it is; "" where nothing has
/// it. Without CASCADE: what others still need is not dropped.
[[nodiscard]] std::string drop_of(Connection& connection, const std::string& schema,
                                  const std::string& name);

}  // namespace dbbackup::postgres
