#pragma once

/// @file
/// What is particular to a server that follows another one.

#include "connector/postgres/connection.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace dbbackup::postgres {

/// How old the newest transaction is that a standby shows; 0 while it shows all that it received.
/// Nothing for a server that follows none, and for one that has shown no transaction yet.
/// Source: PostgreSQL manual, 9.28.4 "Recovery Control Functions".
[[nodiscard]] std::optional<std::chrono::seconds> replay_lag(Connection& connection);

/// "2 min 5 s behind", with what that means; "" for a lag that is none.
[[nodiscard]] std::string lag_text(std::chrono::seconds lag);

}  // namespace dbbackup::postgres
