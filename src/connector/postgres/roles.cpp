#include "connector/postgres/roles.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace dbbackup::postgres {
namespace {

std::vector<std::string> first_column(Connection& connection, const std::string& sql) {
    const Rows rows = connection.query(sql);
    std::vector<std::string> values;
    for (int row = 0; row < rows.count(); ++row) {
        values.emplace_back(rows.text(row, 0));
    }
    return values;
}

/// Those of `names` that are no name of the query's first column.
std::vector<std::string> lacking(Connection& connection, const std::vector<std::string>& names,
                                 const std::string& sql) {
    const std::vector<std::string> there = first_column(connection, sql);
    const std::set<std::string> known(there.begin(), there.end());
    std::vector<std::string> missing;
    std::copy_if(names.begin(), names.end(), std::back_inserter(missing),
                 [&known](const std::string& name) { return !known.contains(name); });
    return missing;
}

/// Where the quoted text that begins at `at` ends.
std::size_t end_of_quoted(std::string_view text, std::size_t at, bool has_escapes) {
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
        if (has_escapes && text[at] == '\\') {
            ++at;
        } else if (text[at] == quote) {
            if (at + 1 >= text.size() || text[at + 1] != quote) {
                return at + 1;
            }
            ++at;
        }
    }
    return text.size();
}

/// The identifier that begins at `at`, and moves behind it and the spaces after it.
std::string identifier(std::string_view text, std::size_t& at) {
    std::string name;
    if (at < text.size() && text[at] == '"') {
        const std::size_t end = end_of_quoted(text, at, false);
        for (std::size_t each = at + 1; each + 1 < end; ++each) {
            name += text[each];
            each += text[each] == '"' ? 1U : 0U;
        }
        at = end;
    } else {
        const std::size_t end = std::min(text.find_first_of(" ;,", at), text.size());
        name = text.substr(at, end - at);
        at = end;
    }
    at = std::min(text.find_first_not_of(' ', at), text.size());
    return name;
}

/// The role whose name follows one of the ways in which statements on roles begin.
std::optional<std::string> role_of(std::string_view statement) {
    static constexpr std::array<std::string_view, 3> kBeginnings = {"CREATE ROLE ", "ALTER ROLE ",
                                                                    "COMMENT ON ROLE "};
    for (const std::string_view beginning : kBeginnings) {
        if (statement.starts_with(beginning)) {
            std::size_t at = beginning.size();
            return identifier(statement, at);
        }
    }
    return std::nullopt;
}

/// GRANT a TO b: whether one of the two is among them.
bool is_membership_of(std::string_view statement, const std::set<std::string>& roles) {
    constexpr std::string_view kGrant = "GRANT ";
    if (!statement.starts_with(kGrant)) {
        return false;
    }
    std::size_t at = kGrant.size();
    const std::string group = identifier(statement, at);
    if (!statement.substr(at).starts_with("TO ")) {
        return false;  // A privilege of something else.
    }
    at += 3;
    const std::string member = identifier(statement, at);
    return roles.contains(group) || roles.contains(member);
}

}  // namespace

Requirements requirements_of(Connection& connection) {
    Requirements required;
    // What belongs to the bootstrap superuser, number 10, is not noted in pg_shdepend.
    required.roles = first_column(connection, R"(
SELECT r.rolname FROM pg_catalog.pg_roles r
 WHERE r.oid = 10
    OR r.oid IN (SELECT d.refobjid FROM pg_catalog.pg_shdepend d
                  WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                    AND (d.dbid = (SELECT oid FROM pg_catalog.pg_database
                                    WHERE datname = pg_catalog.current_database())
                         OR (d.dbid = 0 AND d.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
                             AND d.objid = (SELECT oid FROM pg_catalog.pg_database
                                             WHERE datname = pg_catalog.current_database()))))
 ORDER BY 1)");
    required.extensions =
        first_column(connection, "SELECT extname FROM pg_catalog.pg_extension ORDER BY 1");
    required.tablespaces = first_column(connection, R"(
SELECT t.spcname FROM pg_catalog.pg_tablespace t
 WHERE t.spcname NOT IN ('pg_global', 'pg_default')
   AND (EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.reltablespace = t.oid)
        OR EXISTS (SELECT FROM pg_catalog.pg_database d
                    WHERE d.dattablespace = t.oid AND d.datname = pg_catalog.current_database()))
 ORDER BY 1)");
    return required;
}

Requirements missing_of(Connection& connection, const Requirements& required) {
    return {
        lacking(connection, required.roles, "SELECT rolname FROM pg_catalog.pg_roles"),
        lacking(connection, required.extensions,
                "SELECT name FROM pg_catalog.pg_available_extensions"),
        lacking(connection, required.tablespaces, "SELECT spcname FROM pg_catalog.pg_tablespace")};
}

std::vector<std::string> statements_of(std::string_view script) {
    std::vector<std::string> statements;
    std::size_t begin = 0;
    bool is_inside = false;
    for (std::size_t at = 0; at < script.size();) {
        const char character = script[at];
        const bool is_comment = script.substr(at).starts_with("--");
        if (!is_inside &&
            (is_comment || character == '\\' || character == '\n' || character == ' ')) {
            const bool is_line = is_comment || character == '\\';
            at = is_line ? std::min(script.find('\n', at), script.size()) : at + 1;
            continue;
        }
        if (!is_inside) {
            is_inside = true;
            begin = at;
        }
        if (character == '\'' || character == '"') {
            const bool has_escapes = character == '\'' && at > 0 && script[at - 1] == 'E';
            at = end_of_quoted(script, at, has_escapes);
        } else if (character == ';') {
            statements.emplace_back(script.substr(begin, at + 1 - begin));
            is_inside = false;
            ++at;
        } else {
            ++at;
        }
    }
    return statements;
}

std::vector<std::string> statements_for(std::string_view script,
                                        const std::set<std::string>& roles) {
    std::vector<std::string> chosen;
    for (std::string& statement : statements_of(script)) {
        const std::optional<std::string> role = role_of(statement);
        if (role ? roles.contains(*role) : is_membership_of(statement, roles)) {
            chosen.push_back(std::move(statement));
        }
    }
    return chosen;
}

}  // namespace dbbackup::postgres
