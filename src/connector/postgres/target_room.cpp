#include "connector/postgres/target_room.hpp"

#include "base/error.hpp"
#include "connector/postgres/lock_waits.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/target_objects.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace dbbackup::postgres {
namespace {

constexpr std::size_t kNamesShown = 8;
constexpr std::string_view kDependentObjects = "2BP01";
constexpr std::string_view kNotSupported = "0A000";  // TRUNCATE of what others refer to.
constexpr std::string_view kDropTable = "DROP TABLE ";

}  // namespace

std::string some_of(std::vector<std::string> names) {
    const std::size_t count = names.size();
    names.resize(std::min(count, kNamesShown));
    return fmt::format("{}{}", fmt::join(names, ", "),
                       count > kNamesShown ? fmt::format(" and {} more", count - kNamesShown) : "");
}

void run_locking(Connection& connection, const std::string& sql, std::string_view hint) {
    try {
        connection.execute(sql);
    } catch (ServerError& error) {
        if (error.sqlstate() == kLockNotAvailable) {
            error.set_code("target_locked");
            error.set_hint(
                "Somebody uses the table. Try again later, or give it longer with --lock-timeout.");
        } else if (!hint.empty() &&
                   (error.sqlstate() == kDependentObjects || error.sqlstate() == kNotSupported)) {
            error.set_hint(std::string(hint));
        }
        throw;
    }
}

void TargetRoom::look() {
    drops_.clear();
    filled_.clear();
    if (parts_.parts() == Parts::data) {
        look_for_tables();
    } else {
        look_for_occupied();
    }
}

/// The table or partition itself, never the root that its rows go through.
std::string TargetRoom::table_of(const std::string& stream) const {
    const auto& [schema, name] = parts_.table_of(stream);
    return quoted_name(parts_.target_schema(schema), name);
}

/// Some rows are added to those that are there, and never take the place of all.
void TargetRoom::refuse_to_empty(const std::string& stream) const {
    if (overwrite_ == Overwrite::yes) {
        throw explained<ConfigError>(
            fmt::format("--clean would empty {}, and --where brings only some of its rows back",
                        parts_.told(stream).target),
            "Add them to those that are there with --data-only, without --clean; or restore them "
            "beside with --rename.",
            "selection_conflict");
    }
}

/// Rows alone: their tables have to be there, and to be empty.
void TargetRoom::look_for_tables() {
    std::vector<std::string> missing;
    for (const auto& [name, stream] : parts_.streams()) {
        const std::string table = table_of(name);
        if (connection_.query("SELECT pg_catalog.to_regclass($1)", {table}).is_null(0, 0)) {
            missing.push_back(parts_.told(name).target);
        } else if (parts_.condition_of(name) != nullptr) {
            refuse_to_empty(name);
        } else if (connection_.text(fmt::format("SELECT EXISTS (SELECT FROM ONLY {})", table)) ==
                   "t") {
            filled_.push_back(parts_.told(name).target);
        }
    }
    if (!missing.empty()) {
        throw explained<ConfigError>(
            fmt::format("the target has no table {}", some_of(std::move(missing))),
            "Leave out --data-only to make the tables too.", "target_table_missing");
    }
    if (!filled_.empty() && overwrite_ == Overwrite::no) {
        throw explained<ConfigError>(
            fmt::format("the target has rows in {}", some_of(filled_)),
            "Empty the tables first with --clean, or restore them beside with --rename.",
            "target_not_empty");
    }
}

/// What was selected must not be there, unless it may be replaced.
void TargetRoom::look_for_occupied() {
    for (const auto& [name, stream] : parts_.streams()) {
        const auto& [schema, table] = parts_.table_of(name);
        if (parts_.condition_of(name) != nullptr && !parts_.renames().contains(schema) &&
            !drop_of(connection_, schema, table).empty()) {
            refuse_to_empty(name);
        }
    }
    std::vector<std::string> names;
    const std::vector<int>& ids = parts_.choice().ids;
    std::for_each(ids.rbegin(), ids.rend(), [&](int id) {
        const TocEntry& entry = *parts_.toc().find(id);
        // A sequence goes with its table, or stays as it is.
        if (!entry.has_columns() || !parts_.choice().selected.contains(id) ||
            parts_.renames().contains(entry.schema)) {
            return;
        }
        const std::string drop = drop_of(connection_, entry.schema, entry.name);
        if (!drop.empty()) {
            drops_.push_back({entry.full_name(), entry.schema, entry.name, drop});
            names.push_back(entry.full_name());
        }
    });
    if (!drops_.empty() && overwrite_ == Overwrite::no) {
        std::reverse(names.begin(), names.end());
        throw explained<ConfigError>(
            fmt::format("the target has {} already", some_of(std::move(names))),
            "Replace what is there with --clean, or restore it beside with --rename.",
            "target_not_empty");
    }
    refuse_other_partitions();
}

/// DROP TABLE takes the partitions with it, those too that would not come back.
void TargetRoom::refuse_other_partitions() {
    std::set<std::pair<std::string, std::string>> dropped;
    for (const Drop& drop : drops_) {
        dropped.emplace(drop.schema, drop.table);
    }
    std::vector<std::string> others;
    for (const Drop& drop : drops_) {
        const Rows rows = connection_.query(
            "SELECT n.nspname, c.relname FROM pg_catalog.pg_partition_tree($1) t "
            "JOIN pg_catalog.pg_class c ON c.oid = t.relid "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
            {quoted_name(drop.schema, drop.table)});
        for (int row = 0; row < rows.count(); ++row) {
            if (!dropped.contains(
                    {std::string(rows.text(row, 0)), std::string(rows.text(row, 1))})) {
                others.push_back(fmt::format("{}.{}", rows.text(row, 0), rows.text(row, 1)));
            }
        }
    }
    if (!others.empty()) {
        throw explained<ConfigError>(
            fmt::format("with the table its partitions would be dropped that are not restored: {}",
                        some_of(std::move(others))),
            "Detach or drop them first, or restore single partitions.", "selection_conflict");
    }
}

std::vector<std::string> TargetRoom::steps() const {
    std::vector<std::string> steps;
    for (const Drop& drop : drops_) {
        steps.push_back(drop.sql);
    }
    for (const std::string& table : filled_) {
        steps.push_back(fmt::format("empty {}", table));
    }
    return steps;
}

void TargetRoom::make() {
    std::vector<std::string> tables;
    for (const Drop& drop : drops_) {
        if (drop.sql.starts_with(kDropTable)) {
            tables.push_back(drop.sql.substr(kDropTable.size()));
        } else {
            run_locking(connection_, drop.sql, "Drop what depends on it, or restore that too.");
        }
    }
    // One statement for all tables, so that they may refer to each other.
    if (!tables.empty()) {
        run_locking(connection_, fmt::format("{}{}", kDropTable, fmt::join(tables, ", ")),
                    "Drop what depends on it, or restore that too; or replace the rows alone with "
                    "--data-only.");
    }
    if (parts_.parts() != Parts::data) {
        return;
    }
    std::vector<std::string> emptied;
    for (const auto& [name, stream] : parts_.streams()) {
        if (parts_.condition_of(name) == nullptr) {
            emptied.push_back("ONLY " + table_of(name));
        }
    }
    if (overwrite_ == Overwrite::yes && !emptied.empty()) {
        run_locking(connection_, fmt::format("TRUNCATE {}", fmt::join(emptied, ", ")),
                    "Restore the tables that refer to it too, with --include.");
    }
    defer_foreign_keys();
}

/// Tables come in no order of who refers to whom: foreign keys among them are checked at the end.
void TargetRoom::defer_foreign_keys() {
    std::vector<std::string> tables;
    for (const auto& [name, stream] : parts_.streams()) {
        tables.push_back(fmt::format("{}::pg_catalog.regclass", literal(table_of(name))));
    }
    if (tables.empty()) {
        return;
    }
    const Rows rows = connection_.query(fmt::format(
        "SELECT pg_catalog.format('ALTER TABLE %s ALTER CONSTRAINT %I', "
        "c.conrelid::pg_catalog.regclass, c.conname) "
        "FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class r ON r.oid = c.conrelid "
        "WHERE c.contype = 'f' AND c.conparentid = 0 AND NOT c.condeferrable "
        "AND (c.conrelid IN ({0}) OR r.relkind = 'p') "
        "AND (c.confrelid IN ({0}) OR EXISTS (SELECT FROM pg_catalog.pg_partitioned_table p "
        "WHERE p.partrelid = c.confrelid)) AND pg_catalog.pg_has_role(r.relowner, 'USAGE')",
        fmt::join(tables, ", ")));
    for (int row = 0; row < rows.count(); ++row) {
        const std::string begin(rows.text(row, 0));
        run_locking(connection_, begin + " DEFERRABLE", "");
        deferred_.push_back(begin + " NOT DEFERRABLE");
    }
    connection_.execute("SET CONSTRAINTS ALL DEFERRED");
}

void TargetRoom::check_foreign_keys() {
    if (parts_.parts() == Parts::data) {
        connection_.execute("SET CONSTRAINTS ALL IMMEDIATE");
    }
    for (const std::string& each : deferred_) {
        connection_.execute(each);
    }
    deferred_.clear();
}

}  // namespace dbbackup::postgres
