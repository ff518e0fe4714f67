#pragma once

/// @file
/// Roles of a server, as `pg_dumpall --globals-only` writes them, and what a database needs of its
/// server: roles, extensions, tablespaces.

#include "connector/postgres/connection.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// What has to be there before a database can be restored.
struct Requirements {
    std::vector<std::string> roles;       ///< That own something or have a privilege.
    std::vector<std::string> extensions;  ///< "hstore"
    std::vector<std::string> tablespaces;
};

/// Of the database that the connection is in.
[[nodiscard]] Requirements requirements_of(Connection& connection);
/// Those that the connection's server does not have.
[[nodiscard]] Requirements missing_of(Connection& connection, const Requirements& required);

/// Single statements, each with its semicolon. Quotes, comments and E'' are understood; psql's own
/// commands (\restrict) are left out.
[[nodiscard]] std::vector<std::string> statements_of(std::string_view script);

/// Of a script of all globals, those that make these roles, and their memberships, settings and
/// comments. Nothing that is there already is changed.
[[nodiscard]] std::vector<std::string> statements_for(std::string_view script,
                                                      const std::set<std::string>& roles);

}  // namespace dbbackup::postgres
