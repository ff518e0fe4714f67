#include "connector/postgres/database_properties.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace dbbackup::postgres {
namespace {

/// Settings that are lists are stored as they were written, with their own quotes; all others as
/// plain text. Source: PostgreSQL, src/bin/pg_dump/dumputils.c, variable_is_guc_list_quote.
bool is_list(std::string_view setting) {
    static constexpr std::array<std::string_view, 6> lists = {
        "local_preload_libraries",  "search_path",      "session_preload_libraries",
        "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"};
    return std::find(lists.begin(), lists.end(), setting) != lists.end();
}

}  // namespace

std::vector<std::string> settings_of(const DatabaseProperties& properties,
                                     const std::string& name) {
    std::vector<std::string> statements;
    for (const std::string& setting : properties.settings) {
        const std::size_t first = setting.find('\t');
        const std::size_t second = setting.find('\t', first + 1);
        const std::string role = setting.substr(0, first);
        const std::string variable = setting.substr(first + 1, second - first - 1);
        const std::string value = setting.substr(second + 1);
        statements.push_back(fmt::format(
            "ALTER {}DATABASE {} SET {} TO {}",
            role.empty() ? std::string() : fmt::format("ROLE {} IN ", quoted_name(role)),
            quoted_name(name), variable, is_list(variable) ? value : literal(value)));
    }
    if (properties.connection_limit >= 0) {
        statements.push_back(fmt::format("ALTER DATABASE {} CONNECTION LIMIT {}", quoted_name(name),
                                         properties.connection_limit));
    }
    return statements;
}

std::vector<std::string> privileges_of(Connection& connection, const DatabaseProperties& properties,
                                       const std::string& name) {
    if (properties.acl.empty()) {
        return {};
    }
    const Rows rows = connection.query(
        "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE "
        "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END, privilege_type, "
        "is_grantable FROM pg_catalog.aclexplode($1::pg_catalog.aclitem[])",
        {properties.acl});
    std::vector<std::string> statements = {
        fmt::format("REVOKE ALL ON DATABASE {} FROM PUBLIC", quoted_name(name))};
    for (int row = 0; row < rows.count(); ++row) {
        statements.push_back(fmt::format("GRANT {} ON DATABASE {} TO {}{}", rows.text(row, 1),
                                         quoted_name(name), rows.text(row, 0),
                                         rows.flag(row, 2) ? " WITH GRANT OPTION" : ""));
    }
    return statements;
}

}  // namespace dbbackup::postgres
