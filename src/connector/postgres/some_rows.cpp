#include "connector/postgres/some_rows.hpp"

#include "base/error.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_slices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace dbbackup::postgres {
namespace {

std::string joined_names(const std::vector<std::string>& names) {
    std::vector<std::string> quoted;
    std::transform(names.begin(), names.end(), std::back_inserter(quoted),
                   [](const std::string& name) { return quoted_name(name); });
    return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string in_brackets(const std::vector<std::string>& columns) {
    return columns.empty() ? std::string() : fmt::format(" ({})", joined_names(columns));
}

std::set<std::string> oids_of(const Rows& rows) {
    std::set<std::string> oids;
    for (int row = 0; row < rows.count(); ++row) {
        oids.emplace(rows.text(row, 0));
    }
    return oids;
}

/// The table, and what shows its rows: tables that it is a partition or a child of.
std::set<std::string> own_of(Connection& connection, const std::string& table) {
    return oids_of(connection.query(
        "WITH RECURSIVE own(id) AS (SELECT $1::pg_catalog.regclass::pg_catalog.oid "
        "UNION SELECT i.inhparent FROM own JOIN pg_catalog.pg_inherits i ON i.inhrelid = own.id) "
        "SELECT id FROM own",
        {table}));
}

/// Relations that a condition reads beside the table itself, those behind views too; with them
/// functions, which may read any. The server's own are not among them.
std::set<std::string> asked_by(Connection& connection, const std::string& passing,
                               const TableCondition& condition) {
    connection.execute(fmt::format(
        "CREATE TEMPORARY VIEW db_backup_asked AS SELECT 1 AS one FROM {} AS {} WHERE (\n{}\n)",
        passing, quoted_name(condition.table), condition.sql));
    std::set<std::string> asked = oids_of(connection.query(R"(
WITH RECURSIVE asked(class, id) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid,
           'pg_temp.db_backup_asked'::pg_catalog.regclass::pg_catalog.oid
     UNION
    SELECT d.refclassid, d.refobjid
      FROM asked JOIN pg_catalog.pg_rewrite r ON r.ev_class = asked.id
      JOIN pg_catalog.pg_depend d
        ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
     WHERE asked.class = 'pg_catalog.pg_class'::pg_catalog.regclass
       AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass,
                            'pg_catalog.pg_proc'::pg_catalog.regclass))
SELECT CASE WHEN class = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'f' ELSE '' END || id
  FROM asked
 WHERE id NOT IN ('pg_temp.db_backup_asked'::pg_catalog.regclass, $1::pg_catalog.regclass))",
                                                           {passing}));
    connection.execute("DROP VIEW pg_temp.db_backup_asked");
    return asked;
}

bool have_common(const std::set<std::string>& one, const std::set<std::string>& other) {
    return std::any_of(one.begin(), one.end(),
                       [&other](const std::string& each) { return other.contains(each); });
}

ConfigError bad_condition(const std::string& what, const char* hint) {
    return explained<ConfigError>(what, hint, "bad_condition");
}

/// Makes the passing table and copies the rows into it.
void copy_aside(Connection& connection, StreamReader& stream, const std::string& table,
                const std::string& passing, const std::vector<std::string>& columns,
                const std::string& encoding, std::stop_token stop) {
    connection.execute(
        fmt::format("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING GENERATED)", passing, table));
    // The table may have columns that the snapshot does not know.
    const Rows optional = connection.query(
        "SELECT pg_catalog.string_agg(pg_catalog.format('ALTER COLUMN %I DROP NOT NULL', attname), "
        "', ') FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.regclass "
        "AND attnum > 0 AND attnotnull AND NOT attisdropped",
        {passing});
    if (!optional.is_null(0, 0)) {
        connection.execute(fmt::format("ALTER TABLE {} {}", passing, optional.text(0, 0)));
    }
    StreamSlices slices(stream, std::move(stop));
    StreamSlices::Reader reader(slices);
    connection.copy_in(fmt::format("COPY {}{} FROM STDIN{}", passing, in_brackets(columns),
                                   encoding_of_rows(encoding)),
                       [&reader] { return reader.next(); });
}

}  // namespace

void check_condition(Connection& connection, const std::string& table,
                     const TableCondition& condition) {
    // One statement is all that this way takes. That in both pairs of brackets it is whole shows
    // that it closes none of them.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kBrackets = {
        {{"(", ")"}, {"(ARRAY[", "])[1]"}}};
    for (const auto& [open, close] : kBrackets) {
        try {
            static_cast<void>(connection.query(
                fmt::format("EXPLAIN SELECT FROM {} AS {} WHERE {}\n{}\n{}", table,
                            quoted_name(condition.table), open, condition.sql, close)));
        } catch (const ServerError& error) {
            if (error.sqlstate().empty()) {
                throw;
            }
            throw bad_condition(fmt::format("the condition of --where for '{}' can not be used: {}",
                                            condition.table, error.what()),
                                "Give an SQL condition on the columns of the table, such as "
                                "'public.orders: customer_id = 7'.");
        }
    }
}

std::optional<std::uint64_t> SomeRows::load(Connection& connection, StreamReader& stream,
                                            const std::string& table, const std::string& encoding,
                                            const TableCondition& condition, std::stop_token stop) {
    check_condition(connection, table, condition);
    Waiting rows;
    rows.stream = stream.stream().name;
    rows.table = table;
    rows.passing = fmt::format("pg_temp.db_backup_rows_{}", number_++);
    rows.columns = TableDefinition::parse(stream.stream().definition).columns;
    rows.condition = condition;
    rows.own = own_of(connection, table);
    refuse_rules(connection, rows);
    copy_aside(connection, stream, table, rows.passing, rows.columns, encoding, std::move(stop));
    rows.asked = asked_by(connection, rows.passing, condition);
    if (is_of_new_tables_ && have_common(rows.own, rows.asked)) {
        throw bad_condition(
            fmt::format("the condition of --where for '{}' asks the table itself, which has no "
                        "rows before it is restored",
                        condition.table),
            "Restore the table whole, under another schema with --rename, and choose there.");
    }
    if (rows.asked.empty()) {
        return insert(connection, rows);
    }
    waiting_.push_back(std::move(rows));
    return std::nullopt;
}

/// COPY passes over rules, INSERT does not.
void SomeRows::refuse_rules(Connection& connection, const Waiting& rows) const {
    if (is_of_new_tables_) {
        return;
    }
    const Rows rules = connection.query(
        "SELECT rulename FROM pg_catalog.pg_rewrite WHERE ev_class = $1::pg_catalog.regclass "
        "AND ev_type = '3' AND ev_enabled <> 'D'",
        {rows.table});
    if (rules.count() > 0) {
        throw explained<ConfigError>(
            fmt::format("the rule {} would change what is inserted into {}", rules.text(0, 0),
                        rows.table),
            "Disable it while the rows are restored, or restore the table without --where.",
            "selection_not_supported");
    }
}

std::uint64_t SomeRows::insert(Connection& connection, const Waiting& rows) {
    const std::uint64_t count = connection.change(fmt::format(
        "INSERT INTO {}{} OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS {} WHERE (\n{}\n)",
        rows.table, in_brackets(rows.columns), joined_names(rows.columns), rows.passing,
        quoted_name(rows.condition.table), rows.condition.sql));
    connection.execute("DROP TABLE " + rows.passing);
    return count;
}

std::vector<SomeRows::Loaded> SomeRows::load_rest(Connection& connection) {
    std::vector<Loaded> loaded;
    while (!waiting_.empty()) {
        const auto is_ready = [this](const Waiting& rows) {
            return std::none_of(waiting_.begin(), waiting_.end(), [&rows](const Waiting& other) {
                return &other != &rows && have_common(other.own, rows.asked);
            });
        };
        const auto next = std::find_if(waiting_.begin(), waiting_.end(), is_ready);
        if (next == waiting_.end()) {
            throw bad_condition(
                fmt::format("the conditions of --where for '{}' and others ask each other's tables",
                            waiting_.front().condition.table),
                "Give one of them without the other.");
        }
        loaded.push_back({next->stream, insert(connection, *next)});
        waiting_.erase(next);
    }
    return loaded;
}

}  // namespace dbbackup::postgres
