#pragma once

/// @file
/// What a backup says when it could not have a lock, or had to wait for it, or held its view long.

#include "connector/postgres/connection.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace dbbackup::postgres {

/// SQLSTATE "lock_not_available". Source: PostgreSQL manual, appendix A.
inline constexpr std::string_view kLockNotAvailable = "55P03";

/// Waits that somebody may notice.
inline constexpr std::chrono::milliseconds kLockWaitShown{1000};

/// The server takes 0 as "for ever".
[[nodiscard]] std::chrono::milliseconds bounded(std::chrono::milliseconds lock_timeout);

/// Who holds, or waits for, a lock in ACCESS EXCLUSIVE MODE on tables of this database, behind
/// which everybody waits: "public.t is locked by process 4711 (role anna, psql) for 12 s". "" when
/// nobody.
[[nodiscard]] std::string exclusive_locks(Connection& connection);

/// The error for a lock that was not had in time (code "source_locked").
/// @param who As `exclusive_locks` tells it.
[[nodiscard]] ServerError lock_error(const ServerError& cause, const std::string& who);

/// Whether a program of PostgreSQL says that it waited for a lock as long as it was told to.
[[nodiscard]] bool is_lock_timeout_of_tool(const SourceError& error);
[[nodiscard]] SourceError lock_error_of_tool(const SourceError& cause, const std::string& who);

/// A warning for a report; "" when it was not long.
[[nodiscard]] std::string lock_wait_warning(std::chrono::milliseconds waited);
[[nodiscard]] std::string view_age_warning(std::chrono::seconds age);

}  // namespace dbbackup::postgres
