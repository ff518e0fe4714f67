#include "connector/sqlite/loose_ends.hpp"

#include "base/error.hpp"
#include "connector/sqlite/stored_database.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <map>
#include <set>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

bool has_table(Database& target, const std::string& name) {
    return target.integer(fmt::format("SELECT count(*) FROM main.sqlite_schema WHERE "
                                      "type='table' AND name={} COLLATE NOCASE",
                                      text_literal(name))) > 0;
}

/// SQLite's words when `sql` cannot be compiled; "" when it can. Nothing is run.
std::string complaint(Database& target, const std::string& sql) {
    sqlite3_stmt* compiled = nullptr;
    const int code = sqlite3_prepare_v2(target.handle(), sql.c_str(), -1, &compiled, nullptr);
    sqlite3_finalize(compiled);
    return (code & 0xff) == SQLITE_ERROR ? sqlite3_errmsg(target.handle()) : std::string();
}

void check_foreign_keys(Database& target, const std::string& table,
                        std::vector<std::string>& found) {
    std::set<std::string> missing;
    bool has_any = false;
    target.query(fmt::format("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list({})",
                             text_literal(table)),
                 [&](const Row& row) {
                     has_any = true;
                     if (!has_table(target, row.text(0))) {
                         missing.insert(row.text(0));
                     }
                 });
    for (const std::string& parent : missing) {
        found.push_back(fmt::format("'{}' refers to the table '{}', which is not in the target",
                                    table, parent));
    }
    if (!has_any) {
        return;
    }
    std::map<std::string, std::uint64_t> rows;
    try {
        target.query(fmt::format("PRAGMA main.foreign_key_check({})", quoted_name(table)),
                     [&](const Row& row) { ++rows[row.text(2)]; });
    } catch (const SqliteError& error) {
        if (error.primary_code() != SQLITE_ERROR) {
            throw;
        }
        found.push_back(fmt::format("the foreign keys of '{}' can not be checked: {}", table,
                                    sqlite3_errmsg(target.handle())));
    }
    for (const auto& [parent, count] : rows) {
        if (!missing.contains(parent)) {
            found.push_back(
                fmt::format("{} row{} of '{}' refer{} to rows of '{}' that are not there", count,
                            count == 1 ? "" : "s", table, count == 1 ? "s" : "", parent));
        }
    }
}

void check_triggers(Database& target, const ChosenTable& table, std::vector<std::string>& found) {
    const std::string name = quoted_name(table.target);
    std::set<std::string> complaints = {complaint(target, "DELETE FROM " + name)};
    const Columns columns = columns_of(target, table.target);
    if (table.definition.kind == Kind::ordinary && !columns.names.empty()) {
        const std::string column = quoted_name(columns.names.front());
        complaints.insert(complaint(target, "INSERT INTO " + name + " DEFAULT VALUES"));
        complaints.insert(complaint(target, fmt::format("UPDATE {0} SET {1}={1}", name, column)));
    }
    complaints.erase("");
    for (const std::string& text : complaints) {
        found.push_back(fmt::format("a trigger of '{}' can not run: {}", table.target, text));
    }
}

}  // namespace

std::vector<std::string> loose_ends(Database& target, const std::vector<ChosenTable>& restored) {
    std::vector<std::string> found;
    // Triggers are off while rows are loaded; compiling what would fire them needs them.
    sqlite3_db_config(target.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
    for (const ChosenTable& table : restored) {
        if (table.definition.kind == Kind::ordinary) {
            check_foreign_keys(target, table.target, found);
        } else if (table.definition.kind == Kind::view) {
            const std::string text =
                complaint(target, fmt::format("SELECT * FROM {}", quoted_name(table.target)));
            if (!text.empty()) {
                found.push_back(
                    fmt::format("the view '{}' can not be read: {}", table.target, text));
            }
        }
        if (!table.definition.triggers.empty()) {
            check_triggers(target, table, found);
        }
    }
    sqlite3_db_config(target.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    return found;
}

}  // namespace dbbackup::sqlite
