#pragma once

/// @file
/// Large objects: bytes of their own that rows point to by number. Two streams: what they hold, and
/// whose they are.
/// Source: PostgreSQL manual, chapter 35 and 53.31 "pg_largeobject".

#include "connector/connector.hpp"
#include "connector/postgres/connection.hpp"

#include <stop_token>
#include <string>

namespace dbbackup::postgres {

inline constexpr const char* kLargeObjectsStream = "large-objects";
inline constexpr const char* kLargeObjectOwnersStream = "large-object-owners";

/// COPY … TO STDOUT of number, page and bytes of every page.
[[nodiscard]] std::string copy_of_large_objects();
/// COPY … TO STDOUT of number, owner, privileges and comment.
[[nodiscard]] std::string copy_of_large_object_owners();

/// In one transaction: the table that takes these rows, and then what makes the objects of them.
[[nodiscard]] std::string make_large_object_table();
[[nodiscard]] std::string make_large_objects();

/// Makes the objects, theirs owners and their privileges.
/// @param connection To a database without large objects.
/// @param request Of it what belongs to whom.
void restore_large_object_owners(Connection& connection, StreamReader& stream,
                                 const RestoreRequest& request, std::stop_token stop);
/// Fills them. A few MiB at a time go through a passing table, so nothing is kept twice.
void restore_large_objects(Connection& connection, StreamReader& stream, std::stop_token stop);

}  // namespace dbbackup::postgres
