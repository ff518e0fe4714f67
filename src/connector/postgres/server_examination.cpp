#include "connector/postgres/server_examination.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/postgres/capabilities.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/database_set.hpp"
#include "connector/postgres/native_session.hpp"
#include "connector/postgres/standby.hpp"
#include "connector/postgres/tools.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dbbackup::postgres {
namespace {

Check problem(std::string name, const SourceError& error) {
    return {std::move(name), Verdict::problem, error.what(), error.hint()};
}

Check server_check(Connection& connection) {
    const Rows row = connection.query(
        "SELECT current_user, pg_catalog.pg_is_in_recovery(), "
        "(SELECT version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid())");
    Check check{
        "server", Verdict::ok,
        fmt::format("PostgreSQL {}{} at {}, as the role {}{}",
                    connection.parameter("server_version"), row.flag(0, 1) ? ", a standby," : "",
                    connection.host(), row.text(0, 0),
                    row.is_null(0, 2) ? std::string() : fmt::format(", over {}", row.text(0, 2)))};
    if (connection.server_major() < kOldestForNative) {
        check.verdict = Verdict::problem;
        check.text += "; it is older than any that is read";
        check.remedy = "Back it up with its own pg_dump, or upgrade it.";
    }
    return check;
}

/// Without the first two there is no backup; the third reads one back.
Check programs_check(int server_major, const std::stop_token& stop) {
    Check check{"client programs", Verdict::ok, ""};
    for (const char* const name : {"pg_dump", "pg_dumpall", "pg_restore"}) {
        try {
            const Tool tool = tool_for(name, server_major, stop);
            check.text += fmt::format("{}{} of version {}", check.text.empty() ? "" : ", ",
                                      tool.path.native(), tool.major);
        } catch (const SourceError& error) {
            check = problem(check.name, error);
            if (std::string_view(name) == "pg_restore") {
                check.verdict = Verdict::warning;
                check.text += "; a backup can do without it, a restore cannot";
            }
            break;
        }
    }
    return check;
}

/// @param name Of the database, where there are several.
Check reading_check(Connection& connection, const std::string& name) {
    Check check = check_of(reading(connection));
    if (check.verdict == Verdict::ok) {
        const Rows row = connection.query(
            "SELECT pg_catalog.current_database(), "
            "pg_catalog.pg_database_size(pg_catalog.current_database())");
        check.text = fmt::format("the role may read all of {}, {}", row.text(0, 0),
                                 format_size(static_cast<std::uint64_t>(row.integer(0, 1))));
    }
    if (!name.empty()) {
        check.name = fmt::format("{} of {}", check.name, name);
    }
    return check;
}

void add_standby_checks(Connection& connection, std::vector<Check>& checks) {
    const std::optional<std::chrono::seconds> lag = replay_lag(connection);
    if (!lag) {
        return;
    }
    const std::string told = lag_text(*lag);
    checks.push_back({"replication", told.empty() ? Verdict::ok : Verdict::warning,
                      told.empty() ? "the standby is up to date with what it received" : told,
                      told.empty() ? "" : "Look at pg_stat_replication of the primary."});
}

void add_database_checks(Connection& server, const ConnectionInfo& info,
                         const SourceOptions& options, const std::stop_token& stop,
                         std::vector<Check>& checks) {
    if (!is_set(options)) {
        checks.push_back(reading_check(server, ""));
        return;
    }
    const DatabaseSet set = find_databases(server, info, options, stop);
    for (const std::string& name : set.names) {
        try {
            Connection inside(info.with_database(name), Role::source, stop);
            checks.push_back(reading_check(inside, name));
        } catch (const SourceError& error) {
            Check check = problem(fmt::format("{} of {}", kFullBackup, name), error);
            if (set.is_all) {  // Then it is left out, and the others are taken.
                check.verdict = Verdict::warning;
            }
            checks.push_back(std::move(check));
        }
    }
    for (const std::string& each : set.lost) {
        checks.push_back({"databases", Verdict::warning, each});
    }
    for (const std::string& each : set.notes) {
        checks.push_back({"databases", Verdict::ok, each});
    }
}

}  // namespace

std::vector<Check> examine_server(const ConnectionInfo& info, const SourceOptions& options,
                                  std::stop_token stop) {
    const std::unique_ptr<Connection> server =
        is_set(options) ? connect_to_server(info, options, stop)
                        : std::make_unique<Connection>(info, Role::source, stop);
    std::vector<Check> checks = {server_check(*server)};
    if (checks.front().verdict == Verdict::problem) {
        return checks;
    }
    checks.push_back(programs_check(server->server_major(), stop));
    add_database_checks(*server, info, options, stop, checks);
    checks.push_back(check_of(tracking(*server)));
    checks.push_back(check_of(role_passwords(*server)));
    add_standby_checks(*server, checks);
    return checks;
}

}  // namespace dbbackup::postgres
