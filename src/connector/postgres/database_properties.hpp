#pragma once

/// @file
/// What belongs to a database as a whole, as statements that give it to another one.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"

#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Its settings and its limit of connections. They hold for sessions that begin later. Pure.
/// @param name Of the database that gets them.
[[nodiscard]] std::vector<std::string> settings_of(const DatabaseProperties& properties,
                                                   const std::string& name);
/// Its privileges; nothing where they are the default ones.
/// @param connection To any database of the server, to have the privileges explained.
[[nodiscard]] std::vector<std::string> privileges_of(Connection& connection,
                                                     const DatabaseProperties& properties,
                                                     const std::string& name);

}  // namespace dbbackup::postgres
