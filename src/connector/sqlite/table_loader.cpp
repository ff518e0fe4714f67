#include "connector/sqlite/table_loader.hpp"

#include "base/error.hpp"
#include "connector/sqlite/object_maker.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

/// The table that SQLite keeps the largest AUTOINCREMENT numbers in, if the database has one.
constexpr const char* kSequences =
    "SELECT count(*) FROM main.sqlite_schema WHERE name='sqlite_sequence'";

/// What ANALYZE found.
constexpr const char* kStatistics =
    "SELECT count(*) FROM main.sqlite_schema WHERE name='sqlite_stat1'";

std::string_view kind_word(Kind kind) {
    switch (kind) {
        case Kind::view: return "view";
        case Kind::virtual_table: return "virtual table";
        case Kind::ordinary:
        case Kind::shadow: break;
    }
    return "table";
}

}  // namespace

TableLoader::TableLoader(StoredDatabase& source, Database& target, StandInCollations& collations,
                         LoadOptions options, std::stop_token stop)
    : source_(source),
      target_(target),
      collations_(collations),
      options_(options),
      stop_(std::move(stop)) {}

void TableLoader::load(const std::vector<ChosenTable>& chosen) {
    for (const ChosenTable& table : chosen) {
        if (table.definition.kind != Kind::view) {
            load_table(table);
        }
    }
    if (options_.parts == Parts::data) {
        return;
    }
    for (const ChosenTable& table : chosen) {
        make_attachments(table, "index");
    }
    for (const ChosenTable& table : chosen) {
        if (table.definition.kind == Kind::view) {
            load_table(table);
        }
    }
    for (const ChosenTable& table : chosen) {
        make_attachments(table, "trigger");
    }
    if (options_.parts == Parts::all) {
        copy_statistics(chosen);
    }
}

void TableLoader::load_table(const ChosenTable& table) {
    const std::string what(kind_word(table.definition.kind));
    static_cast<void>(collations_.take_used());
    const std::size_t copies = copies_.size();
    const auto left_out = [&](std::string_view why) {
        if (options_.parts == Parts::data) {
            throw explained<SourceError>(
                fmt::format("the table '{}' does not take the rows: {}", table.target, why),
                "Nothing was written; remove the rows that are in the way, or choose others with "
                "--where.",
                "target_refused_rows");
        }
        copies_.resize(copies);
        refuse(what, table.definition.name, why);
    };
    try {
        std::uint64_t rows = 0;
        all_or_nothing(target_, [&] {
            rows = make_and_fill(table);
            refuse_used_collations();
        });
        loaded_.push_back(
            {table.definition.name, table.target,
             table.definition.kind == Kind::view ? std::nullopt : std::optional(rows)});
    } catch (const ObjectRefused& error) {
        left_out(error.what());
    } catch (const TargetRefused& error) {
        if (!is_refusal(error.primary_code())) {
            throw;
        }
        left_out(error.words());
    } catch (const SqliteError& error) {
        if (error.primary_code() == SQLITE_CORRUPT && error.code() == "source_corrupt") {
            left_out("it was damaged in the source");
        } else if (error.primary_code() == SQLITE_ERROR) {
            left_out("SQLite does not take its name or columns");
        } else {
            throw;
        }
    }
}

std::uint64_t TableLoader::make_and_fill(const ChosenTable& table) {
    const TableDefinition& definition = table.definition;
    if (definition.kind == Kind::view) {
        make_object(target_, {"view", table.target, table.target}, definition.sql);
        return 0;
    }
    if (definition.kind == Kind::virtual_table) {
        if (options_.parts == Parts::schema) {
            make_object(target_, {"table", table.target, table.target}, definition.sql);
            return 0;
        }
        std::uint64_t rows = 0;
        for (const TableDefinition& shadow : table.shadows) {
            const std::string target = table.target_of(shadow);
            make_object(target_, {"table", target, target}, shadow.sql);
            const std::uint64_t copied = fill(shadow.name, target, {});
            // What comes nearest to the rows of the virtual table itself.
            if (shadow.name.ends_with("_content") || shadow.name.ends_with("_rowid")) {
                rows = copied;
            }
        }
        enter_virtual_table(target_, table.target, definition.sql);
        return rows;
    }
    if (options_.parts != Parts::data) {
        make_object(target_, {"table", table.target, table.target}, definition.sql);
    }
    if (options_.parts == Parts::schema) {
        return 0;
    }
    const std::uint64_t rows = fill(definition.name, table.target, table.condition);
    copy_sequence(table);
    return rows;
}

Columns TableLoader::columns_to_copy(const std::string& stored, const std::string& target) {
    Columns columns;
    source_.read([&](Database& source) { columns = columns_of(source, stored); });
    if (columns.names.empty()) {
        throw ObjectRefused("SQLite does not understand its definition");
    }
    const Columns there = columns_of(target_, target);
    for (const std::string& name : columns.names) {
        const bool is_there =
            std::any_of(there.names.begin(), there.names.end(),
                        [&name](const std::string& each) { return is_same_name(each, name); });
        if (!is_there && options_.parts == Parts::data) {
            throw explained<ConfigError>(
                fmt::format("the table '{}' of the target has no column '{}'", target, name),
                "Restore it with its definition: leave out --data-only and give --clean or "
                "--rename.",
                "target_differs");
        }
    }
    if (columns.rowid != there.rowid) {
        columns.rowid.reset();
    }
    return columns;
}

std::uint64_t TableLoader::fill(const std::string& stored, const std::string& target,
                                const std::string& condition) {
    Copied copy;
    copy.target = target;
    copy.columns = columns_to_copy(stored, target);
    copy.form = text_form_of(source_.database());
    const bool has_rows =
        options_.parts == Parts::data &&
        target_.integer(fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1)",
                                    quoted_name(target))) > 0;
    if (has_rows && !copy.columns.is_rowid_a_column) {
        copy.columns.rowid.reset();  // Numbers that nobody gave: those of other rows may be equal.
    }
    if (has_rows && options_.summing == Summing::yes) {
        const StatementHandle held = target_.prepare(select_sql(target, copy.columns, {}));
        copy.before = sum_rows(target_, held.get(), copy.form, stop_);
    }
    const std::string sql = select_sql(stored, copy.columns, condition);
    StatementHandle select;
    source_.read([&](Database& source) {
        select = condition.empty() ? source.prepare(sql) : source_.prepare_query(sql, stored);
    });
    const StatementHandle insert = target_.prepare(insert_sql(target, copy.columns));
    try {
        source_.read([&](Database& source) {
            copy.copied =
                copy_rows(source, select.get(), target_, insert.get(), options_.summing, stop_);
        });
    } catch (const SqliteError& error) {
        if (!condition.empty() && is_refusal(error.extended_code())) {
            throw bad_condition(stored, sqlite3_errmsg(source_.database().handle()));
        }
        throw;
    }
    if (copy.columns.has_hidden_rowid) {
        remarks_.push_back(fmt::format(
            "the rows of '{}' have other numbers (rowid) than they had: columns have the names "
            "by which they could be set",
            stored));
    }
    bytes_ += copy.copied.bytes;
    copies_.push_back(std::move(copy));
    return copies_.back().copied.rows;
}

void TableLoader::copy_sequence(const ChosenTable& table) {
    if (source_.database().integer(kSequences) == 0 || target_.integer(kSequences) == 0) {
        return;
    }
    std::optional<std::int64_t> number;
    source_.read([&](Database& source) {
        source.query(fmt::format("SELECT seq FROM sqlite_sequence WHERE name={} AND "
                                 "typeof(seq)='integer'",
                                 text_literal(table.definition.name)),
                     [&](const Row& row) { number = row.integer(0); });
    });
    if (!number) {
        return;
    }
    const std::string name = text_literal(table.target);
    target_.execute(fmt::format(
        "UPDATE sqlite_sequence SET seq={1} WHERE name={0} AND (seq IS NULL OR seq < {1}); "
        "INSERT INTO sqlite_sequence(name, seq) SELECT {0}, {1} WHERE NOT EXISTS "
        "(SELECT 1 FROM sqlite_sequence WHERE name={0})",
        name, *number));
}

bool TableLoader::is_loaded(const ChosenTable& table) const {
    return std::any_of(loaded_.begin(), loaded_.end(), [&table](const RestoredTable& each) {
        return each.name == table.definition.name;
    });
}

void TableLoader::make_attachments(const ChosenTable& table, const std::string& type) {
    if (!is_loaded(table)) {
        return;
    }
    for (const Attachment& each :
         type == "index" ? table.definition.indexes : table.definition.triggers) {
        try {
            all_or_nothing(target_, [&] {
                make_object(target_, {type, each.name, table.target}, each.sql);
                refuse_used_collations();
            });
        } catch (const ObjectRefused& error) {
            refuse(fmt::format("{} '{}' of the table", type, each.name), table.definition.name,
                   error.what());
        }
    }
}

std::string TableLoader::target_index(const ChosenTable& table, const std::string& stored) const {
    if (is_same_name(stored, table.definition.name)) {
        return table.target;  // stands for a key that is no index (WITHOUT ROWID)
    }
    const std::string made = fmt::format("sqlite_autoindex_{}_", table.definition.name);
    if (stored.starts_with(made)) {
        return fmt::format("sqlite_autoindex_{}_{}", table.target, stored.substr(made.size()));
    }
    const TableDefinition* const source = source_.schema().find(table.definition.name);
    for (std::size_t index = 0; source != nullptr && index < source->indexes.size(); ++index) {
        if (is_same_name(source->indexes[index].name, stored)) {
            return table.definition.indexes.at(index).name;
        }
    }
    return stored;
}

void TableLoader::copy_statistics(const std::vector<ChosenTable>& chosen) {
    if (source_.database().integer(kStatistics) == 0) {
        return;
    }
    for (const ChosenTable& table : chosen) {
        if (!table.condition.empty() || table.definition.kind != Kind::ordinary ||
            !is_loaded(table)) {
            continue;
        }
        std::vector<std::string> lines;
        try {
            source_.read([&](Database& source) {
                source.query(
                    fmt::format("SELECT idx, stat, idx IS NOT NULL FROM sqlite_stat1 WHERE tbl={} "
                                "COLLATE NOCASE",
                                text_literal(table.definition.name)),
                    [&](const Row& row) {
                        const bool has_index = row.integer(2) != 0;
                        lines.push_back(fmt::format(
                            "INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES({}, {}, {})",
                            text_literal(table.target),
                            has_index ? text_literal(target_index(table, row.text(0))) : "NULL",
                            text_literal(row.text(1))));
                    });
            });
        } catch (const SqliteError&) {
            return;  // Only how quick queries are depends on it.
        }
        if (!lines.empty() && target_.integer(kStatistics) == 0) {
            target_.execute("ANALYZE main.sqlite_schema");  // makes the table, and looks at none
        }
        for (const std::string& line : lines) {
            target_.execute(line);
        }
    }
}

std::optional<std::string> TableLoader::unlike(std::stop_token stop) {
    for (const Copied& copy : copies_) {
        const StatementHandle select = target_.prepare(select_sql(copy.target, copy.columns, {}));
        const RowSum now = sum_rows(target_, select.get(), copy.form, stop);
        Fingerprint expected = copy.before.fingerprint;
        expected += copy.copied.fingerprint;
        if (now.rows != copy.before.rows + copy.copied.rows || now.fingerprint != expected) {
            return fmt::format("the rows of '{}' are not those of the snapshot", copy.target);
        }
        const std::string found =
            target_.text(fmt::format("PRAGMA integrity_check({})", quoted_name(copy.target)));
        if (found != "ok") {
            return fmt::format("integrity_check says of '{}': {}", copy.target, found);
        }
    }
    return std::nullopt;
}

void TableLoader::refuse_used_collations() {
    const std::string used = collations_.take_used();
    if (!used.empty()) {
        throw ObjectRefused(fmt::format("no such collation sequence: {}", used));
    }
}

void TableLoader::refuse(const std::string& what, const std::string& name, std::string_view why) {
    refused_.push_back(fmt::format("the {} '{}' was left out: {}", what, name, why));
}

}  // namespace dbbackup::sqlite
