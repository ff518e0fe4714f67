#include "connector/postgres/globals.hpp"

#include "connector/postgres/connection.hpp"
#include "connector/postgres/tools.hpp"

namespace dbbackup::postgres {

std::vector<std::string> dump_globals(const ConnectionInfo& info,
                                      const std::function<void(BytesView part)>& take,
                                      const std::stop_token& stop) {
    Connection connection(info, Role::source, stop);
    const Tool tool = tool_for("pg_dumpall", connection.server_major(), stop);
    ToolCall call(tool, info);
    // A name like "host=elsewhere" alone it takes for where to connect, and sends the password
    // there.
    const ConnectionInfo named =
        ConnectionInfo("", Secret())
            .with_database(connection.text("SELECT pg_catalog.current_database()"));
    call.with("--globals-only").with("--database=" + named.text());
    if (has_option(tool, "--restrict-key", stop)) {
        call.with("--restrict-key=dbbackup");  // Else it is drawn anew each time.
    }
    std::vector<std::string> warnings;
    if (connection.text("SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', "
                        "'SELECT')") != "t") {
        call.with("--no-role-passwords");
        warnings.emplace_back(
            "passwords of roles are not in the snapshot: only a superuser may read them");
    }
    call.run({}, take, stop);
    return warnings;
}

}  // namespace dbbackup::postgres
