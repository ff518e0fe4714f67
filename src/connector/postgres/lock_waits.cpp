#include "connector/postgres/lock_waits.hpp"

#include "base/units.hpp"
#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup::postgres {
namespace {

/// From then on it counts for a server with much change what vacuum may not remove.
constexpr std::chrono::seconds kViewAgeShown = std::chrono::hours(1);

constexpr const char* kLockedHint =
    "A transaction holds an exclusive lock on a table, or waits for one. End it, run the backup "
    "later, or give it longer with --lock-timeout.";

/// Of a session whose role is not ours the server tells no times. A prepared transaction has no
/// process.
constexpr const char* kExclusiveLocks = R"(
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), l.granted, l.pid, a.usename,
       a.application_name, p.gid,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() -
                            coalesce(a.xact_start, p.prepared))::pg_catalog.int8
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_prepared_xacts p
         ON l.pid IS NULL AND p.transaction =
            (SELECT x.transactionid FROM pg_catalog.pg_locks x
              WHERE x.locktype = 'transactionid' AND x.pid IS NULL
                AND x.virtualtransaction = l.virtualtransaction LIMIT 1)
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
   AND l.database = (SELECT oid FROM pg_catalog.pg_database
                      WHERE datname = pg_catalog.current_database())
   AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
   AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
   AND n.nspname <> 'pg_catalog'
 ORDER BY l.granted DESC, 7 DESC NULLS LAST, 1 LIMIT 3)";

std::string holder_text(const Rows& rows, int row) {
    const std::string age =
        rows.is_null(row, 6)
            ? std::string()
            : fmt::format(" for {}", format_duration(std::chrono::seconds(rows.integer(row, 6))));
    if (rows.is_null(row, 2)) {
        return fmt::format("{} is locked by the prepared transaction {}{}", rows.text(row, 0),
                           literal(std::string(rows.text(row, 5))), age);
    }
    const std::string application(rows.text(row, 4));
    return fmt::format("{} is {} by process {} (role {}{}{}){}", rows.text(row, 0),
                       rows.flag(row, 1) ? "locked" : "waited for", rows.text(row, 2),
                       rows.text(row, 3), application.empty() ? "" : ", ", application, age);
}

}  // namespace

std::chrono::milliseconds bounded(std::chrono::milliseconds lock_timeout) {
    return std::max(lock_timeout, std::chrono::milliseconds(1));
}

std::string exclusive_locks(Connection& connection) {
    const Rows rows = connection.query(kExclusiveLocks);
    std::string text;
    for (int row = 0; row < rows.count(); ++row) {
        text += (text.empty() ? "" : "; ") + holder_text(rows, row);
    }
    return text;
}

ServerError lock_error(const ServerError& cause, const std::string& who) {
    ServerError error(who.empty() ? cause.what() : fmt::format("{}: {}", cause.what(), who),
                      cause.sqlstate());
    error.set_hint(kLockedHint);
    error.set_code("source_locked");
    return error;
}

bool is_lock_timeout_of_tool(const SourceError& error) {
    // It limits the time of the statement.
    const std::string_view told = error.what();
    return told.find("timeout") != told.npos && told.find("LOCK TABLE") != told.npos;
}

SourceError lock_error_of_tool(const SourceError& cause, const std::string& who) {
    return explained<SourceError>(
        who.empty() ? cause.what() : fmt::format("{}; {}", cause.what(), who), kLockedHint,
        "source_locked");
}

std::string lock_wait_warning(std::chrono::milliseconds waited) {
    if (waited < kLockWaitShown) {
        return {};
    }
    return fmt::format("waited {} for locks that other transactions had on tables",
                       format_duration(waited));
}

std::string view_age_warning(std::chrono::seconds age) {
    if (age < kViewAgeShown) {
        return {};
    }
    return fmt::format(
        "the view was held for {}: until its end VACUUM could remove no row that was changed or "
        "deleted since, in no table of the server, and DDL on the tables had to wait; more --jobs "
        "make it shorter",
        format_duration(age));
}

}  // namespace dbbackup::postgres
