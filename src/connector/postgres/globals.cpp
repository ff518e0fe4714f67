#include "connector/postgres/globals.hpp"

#include "connector/postgres/connection.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace dbbackup::postgres {

namespace {

/// The same, with settings for the session. Only where it must be: what stands between us and the
/// server may not take them.
ConnectionInfo with_options(const ConnectionInfo& info, std::string_view options) {
    std::string all = info.value("options");
    if (all.empty()) {
        const char* const variable =
            std::getenv("PGOPTIONS");  // NOLINT(concurrency-mt-unsafe): nobody sets it.
        all = variable == nullptr ? "" : variable;
    }
    std::string quoted;
    for (const char character : fmt::format("{} {}", all, options)) {
        if (character == '\'' || character == '\\') {
            quoted += '\\';
        }
        quoted += character;
    }
    // Of a keyword that is there twice the last one counts.
    return {fmt::format("{} options='{}'", info.text(), quoted), info.password().clone()};
}

/// Whether the server limits the time of statements of a new session of this role.
bool has_statement_timeout(Connection& connection) {
    return connection.text(
               "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'") !=
           "0";
}

}  // namespace

std::vector<std::string> dump_globals(const ConnectionInfo& info, ToolFinder& tools,
                                      const std::function<void(BytesView part)>& take,
                                      const std::stop_token& stop) {
    std::optional<Connection> connection(std::in_place, info, Role::source, stop);
    const std::string database = connection->text("SELECT pg_catalog.current_database()");
    const bool may_read_passwords =
        connection->text(
            "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')") == "t";
    // pg_dump and pg_restore see to that themselves.
    const ConnectionInfo unlimited = has_statement_timeout(*connection)
                                         ? with_options(info, "-c statement_timeout=0")
                                         : info.clone();
    const Tool tool = tools.find("pg_dumpall", connection->server_major(), stop);
    connection.reset();  // The program has its own, and a role may be allowed few.
    ToolCall call(tool, unlimited);
    // A name like "host=elsewhere" alone it takes for where to connect, and sends the password
    // there.
    const ConnectionInfo named = ConnectionInfo("", Secret()).with_database(database);
    call.with("--globals-only").with("--database=" + named.text());
    if (takes_restrict_key(tool)) {
        call.with("--restrict-key=dbbackup");  // Else it is drawn anew each time.
    }
    std::vector<std::string> warnings;
    if (!may_read_passwords) {
        call.with("--no-role-passwords");
        warnings.emplace_back(
            "passwords of roles are not in the snapshot: only a superuser may read them");
    }
    call.run({}, take, stop);
    return warnings;
}

}  // namespace dbbackup::postgres
