#include "connector/sqlite/table_renames.hpp"

#include "base/error.hpp"
#include "connector/sqlite/object_maker.hpp"
#include "connector/sqlite/stand_in_collations.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

OpenOptions in_memory() {
    OpenOptions how;
    how.access = OpenOptions::Access::write;
    how.role = Role::target;
    return how;
}

/// Whether it could be made; what cannot be made here is told when it is made in the target.
bool has_made(Database& database, const ObjectLabel& object, const std::string& sql) {
    try {
        make_object(database, object, sql);
        return true;
    } catch (const ObjectRefused&) {
        return false;
    }
}

class Drafts {
public:
    Drafts(const StoredSchema& schema, std::stop_token stop)
        : database_(":memory:", in_memory(), std::move(stop)), collations_(database_.handle()) {
        sqlite3_db_config(database_.handle(), SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
        database_.execute("PRAGMA trusted_schema=OFF");
        for (const TableDefinition& table : schema.tables) {
            if (table.kind == Kind::ordinary) {
                has_made(database_, {"table", table.name, table.name}, table.sql);
                make_all("index", table, table.indexes);
            }
        }
        for (const TableDefinition& table : schema.tables) {
            if (table.kind == Kind::view) {
                has_made(database_, {"view", table.name, table.name}, table.sql);
            }
        }
        for (const TableDefinition& table : schema.tables) {
            make_all("trigger", table, table.triggers);
        }
    }

    /// One that is not selected gives its name away.
    void drop(const std::string& name) {
        sqlite3_exec(database_.handle(),
                     fmt::format("DROP TABLE IF EXISTS {}", quoted_name(name)).c_str(), nullptr,
                     nullptr, nullptr);
    }

    /// False when SQLite could rename only the table itself and not what refers to it.
    bool rename(const std::string& from, const std::string& to) {
        const std::string sql =
            fmt::format("ALTER TABLE {} RENAME TO {}", quoted_name(from), quoted_name(to));
        try {
            database_.execute(sql);
            return true;
        } catch (const SqliteError&) {
            // Something that refers to the table is broken in the source too, or needs a module.
            database_.execute("PRAGMA legacy_alter_table=ON");
            sqlite3_exec(database_.handle(), sql.c_str(), nullptr, nullptr, nullptr);
            database_.execute("PRAGMA legacy_alter_table=OFF");
            return false;
        }
    }

    /// As it is now; `otherwise` when it could not be made.
    std::string sql_of(const std::string& type, const std::string& name,
                       const std::string& otherwise) {
        std::string sql = database_.text(
            fmt::format("SELECT sql FROM sqlite_schema WHERE type={} AND name={} COLLATE NOCASE",
                        text_literal(type), text_literal(name)));
        return sql.empty() ? otherwise : sql;
    }

private:
    void make_all(const std::string& type, const TableDefinition& table,
                  const std::vector<Attachment>& attachments) {
        for (const Attachment& each : attachments) {
            has_made(database_, {type, each.name, table.name}, each.sql);
        }
    }

    Database database_;
    StandInCollations collations_;  // any order will do where there are no rows
};

void rename_in_text(ChosenTable& table) {
    const auto rename = [](TableDefinition& definition, const std::string& name) {
        if (const auto sql = StoredSql::parse(definition.sql)) {
            definition.sql = sql->named(name);
        }
    };
    rename(table.definition, table.target);
    for (TableDefinition& shadow : table.shadows) {
        rename(shadow, table.target_of(shadow));
    }
}

void take_drafts(ChosenTable& table, Drafts& drafts) {
    if (table.definition.kind == Kind::ordinary) {
        // One that cannot be made here cannot be made in the target either, which says why.
        const auto sql = StoredSql::parse(table.definition.sql);
        table.definition.sql =
            drafts.sql_of("table", table.target, sql ? sql->named(table.target) : std::string());
    } else if (table.definition.kind == Kind::view) {
        table.definition.sql = drafts.sql_of("view", table.definition.name, table.definition.sql);
    }
    for (Attachment& index : table.definition.indexes) {
        index.sql = drafts.sql_of("index", index.name, index.sql);
    }
    for (Attachment& trigger : table.definition.triggers) {
        trigger.sql = drafts.sql_of("trigger", trigger.name, trigger.sql);
    }
}

}  // namespace

void apply_renames(const StoredSchema& schema, std::vector<ChosenTable>& chosen,
                   std::vector<std::string>& warnings, std::stop_token stop) {
    if (std::none_of(chosen.begin(), chosen.end(), std::mem_fn(&ChosenTable::is_renamed))) {
        return;
    }
    Drafts drafts(schema, std::move(stop));
    for (const ChosenTable& table : chosen) {
        const bool is_taken = std::any_of(chosen.begin(), chosen.end(), [&](const auto& other) {
            return is_same_name(other.definition.name, table.target);
        });
        if (table.is_renamed() && !is_taken) {
            drafts.drop(table.target);
        }
    }
    // In two steps, so that two tables can swap their names.
    const auto between = [](std::size_t index) {
        return fmt::format("db_backup_rename_{}", index);
    };
    for (std::size_t index = 0; index < chosen.size(); ++index) {
        const ChosenTable& table = chosen[index];
        if (table.is_renamed() && table.definition.kind == Kind::ordinary &&
            !drafts.rename(table.definition.name, between(index))) {
            warnings.push_back(
                fmt::format("triggers and views may still refer to '{}', which is now called '{}'",
                            table.definition.name, table.target));
        }
    }
    for (std::size_t index = 0; index < chosen.size(); ++index) {
        if (chosen[index].is_renamed() && chosen[index].definition.kind == Kind::ordinary) {
            drafts.rename(between(index), chosen[index].target);
        }
    }
    for (ChosenTable& table : chosen) {
        take_drafts(table, drafts);
        if (table.is_renamed() && table.definition.kind != Kind::ordinary) {
            rename_in_text(table);
        }
    }
}

}  // namespace dbbackup::sqlite
