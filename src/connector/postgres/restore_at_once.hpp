#pragma once

/// @file
/// The restore of a whole database into one that is there and empty, for roles that may not make
/// databases: on managed servers a database is given to a role.
///
/// Data path: storage -> unpacker -> restore -> [restore at once]. All is done in one transaction
/// of one connection, or of one psql: a restore that dies leaves the database empty, so it never
/// looks done, and nothing has to be told apart from what others made and cleaned up. The price:
/// one connection does all, and what is made takes the server's locks until the end.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/whole_restore.hpp"

#include <memory>
#include <stop_token>
#include <string>

namespace dbbackup::postgres {

/// @param info Of the database. @param properties Of the one in the snapshot.
/// @param request, globals Borrowed. The script of all roles; used with `makes_roles`.
/// Its calls throw ConfigError (target_not_empty) when something is in the database by then.
[[nodiscard]] std::unique_ptr<WholeRestore> make_restore_at_once(
    const ConnectionInfo& info, const DatabaseProperties& properties, const RestoreRequest& request,
    const std::string& globals, std::stop_token stop);

}  // namespace dbbackup::postgres
