#include "connector/postgres/table_shape.hpp"

#include "base/bytes.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace dbbackup::postgres {
namespace {

/// Raise it when this program begins to write equal rows in another form.
constexpr int kTextForm = 1;

/// One type that the text of a value may depend on.
struct Type {
    std::string text;                  ///< All that is said of it alone.
    std::vector<std::uint32_t> parts;  ///< Types that its text is made of.
    bool is_fleeting = false;          ///< Its text depends on other catalogue rows.
};

class Types {
public:
    explicit Types(Connection& connection) {
        // reg* types print names, aclitem prints roles' names: renaming one changes no block here.
        const Rows rows = connection.query(R"(
SELECT t.oid, t.typname, n.nspname, t.typtype, t.typbasetype, t.typelem, t.typrelid, t.typtypmod,
       coalesce((SELECT r.rngsubtype FROM pg_catalog.pg_range r
                  WHERE r.rngtypid = t.oid OR r.rngmultitypid = t.oid), 0),
       t.typname ~ '^_?(reg|aclitem)' AND n.nspname = 'pg_catalog',
       t.typoutput, t.xmin
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace)");
        std::unordered_map<std::int64_t, std::uint32_t> by_relation;
        for (int row = 0; row < rows.count(); ++row) {
            Type type;
            const auto oid = static_cast<std::uint32_t>(rows.integer(row, 0));
            type.text = fmt::format("{}.{} {} {} {} {}", rows.text(row, 2), rows.text(row, 1),
                                    rows.text(row, 3), rows.text(row, 7), rows.text(row, 10),
                                    rows.text(row, 11));
            for (const int part : {4, 5, 8}) {
                if (const std::int64_t each = rows.integer(row, part); each != 0) {
                    type.parts.push_back(static_cast<std::uint32_t>(each));
                }
            }
            if (rows.integer(row, 6) != 0) {
                by_relation.emplace(rows.integer(row, 6), oid);
            }
            // A row type is what its members are, and lasts once they are known.
            type.is_fleeting = rows.flag(row, 9) || rows.integer(row, 6) != 0;
            types_.emplace(oid, std::move(type));
        }
        add_members(connection, by_relation);
        add_labels(connection);
    }

    /// Adds all that a type's text depends on. Returns false where it is fleeting.
    bool describe(std::uint32_t oid, std::string& text) const {
        std::unordered_set<std::uint32_t> seen;
        return describe(oid, text, seen);
    }

private:
    void add_members(Connection& connection,
                     const std::unordered_map<std::int64_t, std::uint32_t>& by_relation) {
        // Without what initdb made, which is much, and of which nobody's columns are. Its numbers
        // are below 16384 (PostgreSQL source, src/include/access/transam.h), but it is not alone
        // there: what is made without a postmaster may have such a number, too.
        const Rows rows = connection.query(R"(
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnum
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT (c.oid < 16384 AND n.nspname IN ('pg_catalog', 'information_schema'))
   AND c.relkind IN ('c', 'r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum)");
        for (int row = 0; row < rows.count(); ++row) {
            const auto owner = by_relation.find(rows.integer(row, 0));
            if (owner != by_relation.end()) {
                Type& type = types_.at(owner->second);
                type.is_fleeting = false;
                type.text += fmt::format(" {} {} {}", rows.text(row, 1), rows.text(row, 3),
                                         rows.text(row, 4));
                type.parts.push_back(static_cast<std::uint32_t>(rows.integer(row, 2)));
            }
        }
    }

    void add_labels(Connection& connection) {
        const Rows rows = connection.query(
            "SELECT enumtypid, oid, enumlabel FROM pg_catalog.pg_enum ORDER BY enumtypid, oid");
        for (int row = 0; row < rows.count(); ++row) {
            const auto found = types_.find(static_cast<std::uint32_t>(rows.integer(row, 0)));
            if (found != types_.end()) {
                found->second.text += fmt::format(" {}={}:{}", rows.text(row, 1),
                                                  rows.text(row, 2).size(), rows.text(row, 2));
            }
        }
    }

    bool describe(std::uint32_t oid, std::string& text,
                  std::unordered_set<std::uint32_t>& seen) const {
        text += fmt::format("({}", oid);
        bool is_lasting = true;
        const auto found = types_.find(oid);
        if (found == types_.end()) {
            is_lasting = false;
        } else if (seen.insert(oid).second) {
            text += ' ' + found->second.text;
            is_lasting = !found->second.is_fleeting;
            for (const std::uint32_t part : found->second.parts) {
                is_lasting = describe(part, text, seen) && is_lasting;
            }
        }
        text += ')';
        return is_lasting;
    }

    std::unordered_map<std::uint32_t, Type> types_;
};

}  // namespace

void describe_shapes(Connection& connection, std::vector<Table>& tables) {
    const Types types(connection);
    std::unordered_map<std::int64_t, std::string> columns;
    std::unordered_set<std::int64_t> fleeting;
    const Rows rows = connection.query(R"(
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attmissingval::text, a.attgenerated
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND c.relkind = 'r' AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum)");
    for (int row = 0; row < rows.count(); ++row) {
        const std::int64_t table = rows.integer(row, 0);
        std::string& text = columns[table];
        const std::string_view missing = rows.text(row, 5);
        text += fmt::format("{} {}:{} {} {}:{} {}", rows.text(row, 1), rows.text(row, 2).size(),
                            rows.text(row, 2), rows.text(row, 4), missing.size(), missing,
                            rows.text(row, 6));
        if (!types.describe(static_cast<std::uint32_t>(rows.integer(row, 3)), text)) {
            fleeting.insert(table);
        }
    }
    for (Table& table : tables) {
        table.shape.clear();
        if (!table.is_heap || table.is_unlogged || !table.condition.empty() ||
            fleeting.contains(table.oid)) {
            continue;
        }
        // The columns as they are read: those of a partition may follow its root's.
        std::string order;
        for (const std::string& column : table.columns) {
            order += fmt::format(" {}:{}", column.size(), column);
        }
        const std::string text =
            fmt::format("{} {} {} {}\n{}\n{}", kTextForm, table.oid, table.file_node,
                        table.tablespace, columns[table.oid], table.root != 0 ? order : "");
        table.shape = to_hex(sha256(as_bytes(text)));
    }
}

}  // namespace dbbackup::postgres
