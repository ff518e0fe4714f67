#include "connector/postgres/schema_rename.hpp"

#include "base/error.hpp"
#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

namespace dbbackup::postgres {

SchemaRename::SchemaRename(Connection& connection, const ChosenParts& parts)
    : connection_(connection) {
    int number = 0;
    for (const auto& [from, to] : parts.renames()) {
        const std::string passing = fmt::format("db_backup_schema_{}", number++);
        const bool is_there =
            connection_.query("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", {from})
                .count() > 0;
        if (is_there) {
            connection_.execute(
                fmt::format("ALTER SCHEMA {} RENAME TO {}", quoted_name(from), passing));
        }
        if (from == "public") {
            // Archives have none, since every database has it.
            connection_.execute("CREATE SCHEMA public");
        }
        at_end_.push_back(
            fmt::format("ALTER SCHEMA {} RENAME TO {}", quoted_name(from), quoted_name(to)));
        if (is_there) {
            at_end_.push_back(
                fmt::format("ALTER SCHEMA {} RENAME TO {}", passing, quoted_name(from)));
            lend_extensions(parts, from, passing);
        }
    }
}

void SchemaRename::lend_extensions(const ChosenParts& parts, const std::string& schema,
                                   const std::string& passing) {
    for (const int id : parts.choice().ids) {
        const TocEntry& entry = *parts.toc().find(id);
        if (entry.kind != "EXTENSION") {
            continue;
        }
        const bool is_there =
            connection_
                .query(
                    "SELECT FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n "
                    "ON n.oid = e.extnamespace WHERE e.extname = $1 AND n.nspname = $2",
                    {entry.name, passing})
                .count() > 0;
        if (!is_there) {
            continue;
        }
        const std::string move = fmt::format("ALTER EXTENSION {} SET SCHEMA {}",
                                             quoted_name(entry.name), quoted_name(schema));
        try {
            connection_.execute(
                fmt::format("CREATE SCHEMA IF NOT EXISTS {}; {}", quoted_name(schema), move));
        } catch (ServerError& error) {
            error.add_context(fmt::format(
                "the extension {} is in the schema {} and cannot be in two", entry.name, schema));
            error.set_hint("Restore into a new database instead.");
            throw;
        }
        at_end_.push_back(move);
    }
}

void SchemaRename::finish() {
    for (const std::string& each : at_end_) {
        connection_.execute(each);
    }
}

}  // namespace dbbackup::postgres
