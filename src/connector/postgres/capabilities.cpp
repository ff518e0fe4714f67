#include "connector/postgres/capabilities.hpp"

#include "base/error.hpp"
#include "connector/examination.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/tracking.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// Source: PostgreSQL 14 release notes, E.24.3.1.7.
constexpr int kFirstWithReadAllData = 14;

/// Names that are told of many.
constexpr int kNamesShownMax = 5;
/// Less than the days between two backups of a source that nobody forgot.
constexpr std::int64_t kKeepMinutesMin = std::int64_t{24} * 60;

/// What the role may do, asked in one query. Predefined roles: PostgreSQL manual, 22.5.
struct Rights {
    std::string role;
    std::int64_t unreadable = 0;   ///< How many tables and sequences it may not read.
    std::string unreadable_names;  ///< The first of them.
    std::string hidden;            ///< The first table of which row security hides rows.
};

Rights rights_of(Connection& connection) {
    const Rows rows = connection.query(fmt::format(
        R"(
WITH unreadable AS (
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
     AND n.nspname <> 'information_schema'
     AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND
              CASE c.relkind WHEN 'r' THEN pg_catalog.has_table_privilege(c.oid, 'SELECT')
                             ELSE pg_catalog.has_sequence_privilege(c.oid, 'SELECT') END))
SELECT current_user, (SELECT pg_catalog.count(*) FROM unreadable),
       (SELECT pg_catalog.string_agg(name, ', ') FROM
          (SELECT name FROM unreadable ORDER BY name LIMIT {}) AS first),
       (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND pg_catalog.row_security_active(c.oid) ORDER BY 1 LIMIT 1))",
        kNamesShownMax));
    return {std::string(rows.text(0, 0)), rows.integer(0, 1), std::string(rows.text(0, 2)),
            std::string(rows.text(0, 3))};
}

std::string role_of(Connection& connection) { return connection.text("SELECT current_user"); }

/// Since 17: how long the record of changes is kept. Source: PostgreSQL 17 manual, 19.5.7.
std::int64_t keep_minutes(Connection& connection) {
    return connection
        .query("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_summary_keep_time'")
        .integer(0, 0);
}

}  // namespace

Capability reading(Connection& connection) {
    const std::string name(kFullBackup);
    if (connection.server_major() < kOldestMajor) {
        return {name, Support::degraded, too_old(connection), kUseNative};
    }
    const Rights rights = rights_of(connection);
    const std::string role = quoted_name(rights.role);
    if (rights.unreadable > 0) {
        const std::int64_t more = rights.unreadable - kNamesShownMax;
        return {name, Support::no,
                fmt::format("the role {} may not read {}{}", rights.role, rights.unreadable_names,
                            more > 0 ? fmt::format(" and {} more", more) : std::string()),
                connection.server_major() >= kFirstWithReadAllData
                    ? fmt::format("GRANT pg_read_all_data TO {};", role)
                    : fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA … TO {};", role)};
    }
    if (!rights.hidden.empty()) {
        return {name, Support::no,
                fmt::format("row security may hide rows of {} from the role {}", rights.hidden,
                            rights.role),
                fmt::format("ALTER ROLE {} BYPASSRLS;", role)};
    }
    return {name, Support::yes, "", ""};
}

Capability tracking(Connection& connection) {
    constexpr const char* kName = "tracked incremental";
    if (connection.server_major() < kFirstWithSummaries) {
        return {kName, Support::no,
                "the server keeps no record of which blocks changed, so everything is read, and "
                "what changed is stored",
                fmt::format("PostgreSQL {} and later keep one.", kFirstWithSummaries)};
    }
    if (!can_keep_mark(connection)) {
        const bool is_minimal =
            connection.text("SELECT pg_catalog.current_setting('wal_level')") == "minimal";
        return {kName, Support::no,
                is_minimal ? "summarize_wal is off, and cannot be on with wal_level = minimal"
                           : "summarize_wal is off",
                is_minimal ? "ALTER SYSTEM SET wal_level = replica; restart the server; then ALTER "
                             "SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();"
                           : "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();"};
    }
    if (!may_make_checkpoint(connection) &&
        connection.text("SELECT pg_catalog.pg_is_in_recovery()") != "t") {
        const std::string role = role_of(connection);
        return {kName, Support::degraded,
                fmt::format("the role {} may make no checkpoint, and the record of changes is "
                            "written at checkpoints: a backup waits for one of the server's own",
                            role),
                fmt::format("GRANT pg_checkpoint TO {};", quoted_name(role))};
    }
    if (const std::int64_t keep = keep_minutes(connection); keep > 0 && keep < kKeepMinutesMin) {
        return {kName, Support::degraded,
                fmt::format("the record of changes is kept for {} minutes (wal_summary_keep_time): "
                            "a backup that comes later after its parent reads everything",
                            keep),
                "ALTER SYSTEM SET wal_summary_keep_time = '10d'; SELECT pg_reload_conf();"};
    }
    return {kName, Support::yes, "", ""};
}

Capability role_passwords(Connection& connection) {
    constexpr const char* kName = "passwords of roles";
    if (connection.text("SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', "
                        "'SELECT')") != "t") {
        return {kName, Support::no,
                fmt::format("the role {} may not read pg_authid, so they are not in the snapshots",
                            role_of(connection)),
                "Back up as a superuser if they are to be restored."};
    }
    return {kName, Support::yes, "", ""};
}

std::string too_old(const Connection& connection) {
    return fmt::format("the server is PostgreSQL {}, and {} is the oldest whose tables are read",
                       connection.parameter("server_version"), kOldestMajor);
}

std::vector<Capability> capabilities_of(Connection& connection, std::stop_token stop) {
    Capability full = reading(connection);
    try {
        static_cast<void>(tool_for("pg_dump", connection.server_major(), std::move(stop)));
    } catch (const SourceError& error) {
        full = {full.name, Support::no, error.what(), error.hint()};
    }
    return {std::move(full), tracking(connection), role_passwords(connection)};
}

}  // namespace dbbackup::postgres
