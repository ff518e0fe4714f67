#pragma once

/// @file
/// Large objects: bytes of their own that rows point to by number. Two streams: what they hold, and
/// whose they are.
/// Source: PostgreSQL manual, chapter 35 and 53.31 "pg_largeobject".

#include "connector/connector.hpp"
#include "connector/postgres/connection.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

inline constexpr const char* kLargeObjectsStream = "large-objects";
inline constexpr const char* kLargeObjectOwnersStream = "large-object-owners";

/// COPY … TO STDOUT of number, page and bytes of every page.
[[nodiscard]] std::string copy_of_large_objects();
/// COPY … TO STDOUT of number, owner, privileges and comment.
[[nodiscard]] std::string copy_of_large_object_owners();

/// The table that takes these rows, how they get into it, what makes the objects of so many of
/// them, some by each statement, and the end of the table.
[[nodiscard]] std::string make_large_object_table();
[[nodiscard]] std::string copy_into_large_object_table();
[[nodiscard]] std::vector<std::string> make_large_objects(std::uint64_t count);
[[nodiscard]] std::string drop_large_object_table();

/// Makes the objects, their owners and their privileges. Each object that a transaction makes takes
/// one of the server's locks.
/// @param connection To a database without large objects.
void restore_large_object_owners(Connection& connection, StreamReader& stream, bool keeps_owners,
                                 bool keeps_privileges, std::stop_token stop);
/// Fills them. A few MiB at a time go through a passing table, so nothing is kept twice.
void restore_large_objects(Connection& connection, StreamReader& stream, Commits commits,
                           std::stop_token stop);

}  // namespace dbbackup::postgres
