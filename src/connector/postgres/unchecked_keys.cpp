#include "connector/postgres/unchecked_keys.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

namespace dbbackup::postgres {
namespace {

/// Source: PostgreSQL 18 release notes, E.2.3.4 "Constraints".
constexpr int kFirstUncheckedOfPartitioned = 18;

constexpr const char* kKeys = R"(
SELECT c.oid, n.nspname, r.relname, c.conname, pg_catalog.pg_get_constraintdef(c.oid),
       pg_catalog.obj_description(c.oid, 'pg_constraint'), r.relkind = 'p'
  FROM pg_catalog.pg_constraint c
  JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
 WHERE c.contype = 'f' AND c.convalidated AND c.conparentid = 0
   AND c.conrelid <> ALL ($1::pg_catalog.oid[])
   AND (c.confrelid = ANY ($1::pg_catalog.oid[])
        OR c.confrelid IN (SELECT ancestor.relid
                             FROM pg_catalog.unnest($1::pg_catalog.oid[]) o
                            CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(o) ancestor))
 ORDER BY 2, 3, 4)";

/// A line: "3456; 2606 16412 FK CONSTRAINT public orders orders_customer_fkey owner". The second
/// number is the catalogue (pg_constraint), the third the oid in it.
/// Source: PostgreSQL, src/bin/pg_dump/pg_backup_archiver.c, PrintTOCSummary.
bool is_line_of(std::string_view line, const ForeignKey& key) {
    return line.find(fmt::format("; 2606 {} FK CONSTRAINT ", key.oid)) != std::string_view::npos;
}

/// A comment has no number: "3460; 0 0 COMMENT public CONSTRAINT name ON orders owner".
bool is_comment_of(std::string_view line, const ForeignKey& key) {
    if (key.comment.empty() || line.find("; 0 0 COMMENT ") == std::string_view::npos) {
        return false;
    }
    for (const std::string& name : {key.name, quoted_name(key.name)}) {
        for (const std::string& table : {key.table, quoted_name(key.table)}) {
            if (line.find(fmt::format(" {} CONSTRAINT {} ON {} ", key.schema, name, table)) !=
                std::string_view::npos) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

std::vector<ForeignKey> keys_to(Connection& connection,
                                const std::vector<std::uint32_t>& left_out) {
    const Rows rows = connection.query(kKeys, {fmt::format("{{{}}}", fmt::join(left_out, ","))});
    std::vector<ForeignKey> keys;
    for (int row = 0; row < rows.count(); ++row) {
        ForeignKey key;
        key.oid = static_cast<std::uint32_t>(rows.integer(row, 0));
        key.schema = rows.text(row, 1);
        key.table = rows.text(row, 2);
        key.name = rows.text(row, 3);
        key.definition = rows.text(row, 4);
        key.comment = rows.text(row, 5);
        key.is_of_partitioned = rows.flag(row, 6);
        keys.push_back(std::move(key));
    }
    return keys;
}

std::string list_without(std::string_view list, const std::vector<ForeignKey>& keys) {
    std::string result;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find('\n'), list.size() - 1) + 1;
        const std::string_view line = list.substr(0, end);
        list.remove_prefix(end);
        const bool is_left_out = std::ranges::any_of(keys, [line](const ForeignKey& key) {
            return is_line_of(line, key) || is_comment_of(line, key);
        });
        if (!is_left_out) {
            result += line;
        }
    }
    return result;
}

std::vector<ForeignKey> take_out(const Toc& toc, std::vector<int>& ids,
                                 const std::vector<ForeignKey>& keys) {
    std::vector<ForeignKey> taken;
    for (const ForeignKey& key : keys) {
        const auto is_key = [&](int id) {
            const TocEntry& entry = *toc.find(id);
            return entry.kind == "FK CONSTRAINT" && entry.schema == key.schema &&
                   entry.name == fmt::format("{} {}", key.table, key.name);
        };
        const auto found = std::ranges::find_if(ids, is_key);
        if (found == ids.end()) {
            continue;
        }
        const int taken_id = *found;
        std::erase_if(ids, [&](int id) {
            const TocEntry& entry = *toc.find(id);
            return id == taken_id ||
                   (entry.kind == "COMMENT" && std::ranges::count(entry.needs, taken_id) > 0);
        });
        taken.push_back(key);
    }
    return taken;
}

bool can_be_unchecked(const ForeignKey& key, int server_major) {
    return !key.is_of_partitioned || server_major >= kFirstUncheckedOfPartitioned;
}

std::vector<std::string> statements_of(const ForeignKey& key) {
    const std::string table = quoted_name(key.schema, key.table);
    const std::string name = quoted_name(key.name);
    std::vector<std::string> statements = {
        fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID", table, name, key.definition)};
    if (!key.comment.empty()) {
        statements.push_back(
            fmt::format("COMMENT ON CONSTRAINT {} ON {} IS {}", name, table, literal(key.comment)));
    }
    return statements;
}

std::vector<std::string> make_unchecked(Connection& connection,
                                        const std::vector<ForeignKey>& keys) {
    std::vector<std::string> warnings;
    for (const ForeignKey& key : keys) {
        if (!can_be_unchecked(key, connection.server_major())) {
            warnings.push_back(fmt::format(
                "the foreign key {} of {}.{} was not made: rows that it refers to are not in the "
                "snapshot, and this server cannot leave rows of a partitioned table unchecked",
                key.name, key.schema, key.table));
            continue;
        }
        for (const std::string& statement : statements_of(key)) {
            connection.execute(statement);
        }
        warnings.push_back(fmt::format(
            "the foreign key {} of {}.{} is NOT VALID: rows that it refers to are not in the "
            "snapshot",
            key.name, key.schema, key.table));
    }
    return warnings;
}

}  // namespace dbbackup::postgres
