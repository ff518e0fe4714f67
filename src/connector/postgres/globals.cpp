#include "connector/postgres/globals.hpp"

#include "connector/postgres/connection.hpp"

#include <optional>
#include <utility>

namespace dbbackup::postgres {

std::vector<std::string> dump_globals(const ConnectionInfo& info, ToolFinder& tools,
                                      const std::function<void(BytesView part)>& take,
                                      const std::stop_token& stop) {
    std::optional<Connection> connection(std::in_place, info, Role::source, stop);
    const std::string database = connection->text("SELECT pg_catalog.current_database()");
    const bool may_read_passwords =
        connection->text(
            "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')") == "t";
    const Tool tool = tools.find("pg_dumpall", connection->server_major(), stop);
    connection.reset();  // The program has its own, and a role may be allowed few.
    ToolCall call(tool, info);
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
