#pragma once

/// @file
/// What can be done with a PostgreSQL server as the role that is connected, and what to grant or
/// switch on where something cannot.

#include "connector/connector.hpp"
#include "connector/postgres/connection.hpp"

#include <stop_token>
#include <vector>

namespace dbbackup::postgres {

[[nodiscard]] std::vector<Capability> capabilities_of(Connection& connection, std::stop_token stop);

}  // namespace dbbackup::postgres
