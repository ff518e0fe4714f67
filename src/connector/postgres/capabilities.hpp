#pragma once

/// @file
/// What can be done with a PostgreSQL server as the role that is connected, and what to grant or
/// switch on where something cannot.

#include "connector/connector.hpp"
#include "connector/postgres/connection.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// The oldest server whose tables the program reads itself; others by `kUseNative`.
inline constexpr int kOldestMajor = 12;
inline constexpr const char* kUseNative = "Use --method native.";
/// What is wrong with a server that is older than that.
[[nodiscard]] std::string too_old(const Connection& connection);

/// Whether the role may read all of the database, however many programs are here.
[[nodiscard]] Capability reading(Connection& connection);
/// Whether a backup can know what changed since another one.
[[nodiscard]] Capability tracking(Connection& connection);
/// Whether a snapshot can have them.
[[nodiscard]] Capability role_passwords(Connection& connection);

/// All of these, and whether the programs are here that a backup needs.
[[nodiscard]] std::vector<Capability> capabilities_of(Connection& connection, std::stop_token stop);

}  // namespace dbbackup::postgres
