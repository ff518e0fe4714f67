#include "connector/postgres/capabilities.hpp"

#include "base/error.hpp"
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

/// What the role may do, asked in one query. Predefined roles: PostgreSQL manual, 22.5.
struct Rights {
    std::string role;
    std::string unreadable;  ///< The first table that it may not read; "" if it may read all.
    std::string hidden;      ///< The first table of which row security hides rows.
    bool reads_passwords = false;
};

Rights rights_of(Connection& connection) {
    const Rows rows = connection.query(R"(
SELECT current_user,
       (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
           AND n.nspname <> 'information_schema'
           AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND
                    CASE c.relkind WHEN 'r' THEN pg_catalog.has_table_privilege(c.oid, 'SELECT')
                                   ELSE pg_catalog.has_sequence_privilege(c.oid, 'SELECT') END)
         ORDER BY 1 LIMIT 1),
       (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND pg_catalog.row_security_active(c.oid) ORDER BY 1 LIMIT 1),
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT'))");
    return {std::string(rows.text(0, 0)), std::string(rows.text(0, 1)),
            std::string(rows.text(0, 2)), rows.flag(0, 3)};
}

Capability full_backup(Connection& connection, const Rights& rights, const std::stop_token& stop) {
    constexpr const char* kName = "full backup";
    try {
        static_cast<void>(tool_for("pg_dump", connection.server_major(), stop));
    } catch (const SourceError& error) {
        return {kName, Support::no, error.what(), error.hint()};
    }
    if (connection.server_major() < kOldestMajor) {
        return {kName, Support::degraded, too_old(connection), kUseNative};
    }
    const std::string role = quoted_name(rights.role);
    if (!rights.unreadable.empty()) {
        return {kName, Support::no,
                fmt::format("the role {} may not read {}", rights.role, rights.unreadable),
                connection.server_major() >= kFirstWithReadAllData
                    ? fmt::format("GRANT pg_read_all_data TO {};", role)
                    : fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA … TO {};", role)};
    }
    if (!rights.hidden.empty()) {
        return {kName, Support::no,
                fmt::format("row security may hide rows of {} from the role {}", rights.hidden,
                            rights.role),
                fmt::format("ALTER ROLE {} BYPASSRLS;", role)};
    }
    return {kName, Support::yes, "", ""};
}

Capability tracked(Connection& connection, const Rights& rights) {
    constexpr const char* kName = "tracked incremental";
    if (connection.server_major() < kFirstWithSummaries) {
        return {kName, Support::no,
                "the server keeps no record of which blocks changed, so everything is read, and "
                "what changed is stored",
                fmt::format("PostgreSQL {} and later keep one.", kFirstWithSummaries)};
    }
    if (!can_keep_mark(connection)) {
        return {kName, Support::no, "summarize_wal is off",
                "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();"};
    }
    if (!may_make_checkpoint(connection) &&
        connection.text("SELECT pg_catalog.pg_is_in_recovery()") != "t") {
        return {kName, Support::degraded,
                fmt::format("the role {} may make no checkpoint, and the record of changes is "
                            "written at checkpoints: a backup waits for one of the server's own",
                            rights.role),
                fmt::format("GRANT pg_checkpoint TO {};", quoted_name(rights.role))};
    }
    return {kName, Support::yes, "", ""};
}

Capability passwords(const Rights& rights) {
    constexpr const char* kName = "passwords of roles";
    if (!rights.reads_passwords) {
        return {kName, Support::no,
                fmt::format("the role {} may not read pg_authid, so they are not in the snapshots",
                            rights.role),
                "Back up as a superuser if they are to be restored."};
    }
    return {kName, Support::yes, "", ""};
}

}  // namespace

std::string too_old(const Connection& connection) {
    return fmt::format("the server is PostgreSQL {}, and {} is the oldest whose tables are read",
                       connection.parameter("server_version"), kOldestMajor);
}

std::vector<Capability> capabilities_of(Connection& connection, std::stop_token stop) {
    const Rights rights = rights_of(connection);
    return {full_backup(connection, rights, stop), tracked(connection, rights), passwords(rights)};
}

}  // namespace dbbackup::postgres
