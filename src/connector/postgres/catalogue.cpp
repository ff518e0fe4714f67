#include "connector/postgres/catalogue.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <unordered_map>

namespace dbbackup::postgres {
namespace {

using Json = nlohmann::json;

/// How many sequences one query asks; each is a relation to open.
constexpr std::size_t kSequencesAtOnce = 200;

/// Tables of extensions are made by CREATE EXTENSION; of their rows only those that the extension
/// names as configuration are the user's. Source: PostgreSQL manual, 38.17.3.
constexpr const char* kTables = R"(
SELECT c.oid, n.nspname, c.relname, c.relpersistence = 'u',
       coalesce(a.amname, 'heap') = 'heap', pg_catalog.pg_relation_size(c.oid) / 8192,
       (SELECT e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)]
          FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)),
       c.relfilenode, c.reltablespace, root.oid, root_namespace.nspname, root.relname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
  LEFT JOIN pg_catalog.pg_class root
    ON c.relispartition AND root.oid = pg_catalog.pg_partition_root(c.oid)
       AND EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) ancestor
                     JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = ancestor.relid
                    WHERE (SELECT o.oid FROM pg_catalog.pg_opclass o
                             JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
                            WHERE o.opcname = 'enum_ops' AND m.amname = 'hash'
                              AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace)
                          = ANY (p.partclass))
  LEFT JOIN pg_catalog.pg_namespace root_namespace ON root_namespace.oid = root.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                     WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                       AND d.deptype = 'e')
        OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)))
 ORDER BY pg_catalog.pg_relation_size(c.oid) DESC, n.nspname, c.relname)";

/// Is there anything but what every new database has?
constexpr const char* kIsEmpty = R"(
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n
                    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public'))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql')
   AND NOT EXISTS (SELECT FROM (
         SELECT oid FROM pg_catalog.pg_operator UNION ALL SELECT oid FROM pg_catalog.pg_opclass
         UNION ALL SELECT oid FROM pg_catalog.pg_opfamily UNION ALL SELECT oid FROM pg_catalog.pg_conversion
         UNION ALL SELECT oid FROM pg_catalog.pg_collation WHERE collnamespace <> 'pg_catalog'::pg_catalog.regnamespace
         UNION ALL SELECT oid FROM pg_catalog.pg_ts_config UNION ALL SELECT oid FROM pg_catalog.pg_ts_dict
         UNION ALL SELECT oid FROM pg_catalog.pg_ts_parser UNION ALL SELECT oid FROM pg_catalog.pg_ts_template
         UNION ALL SELECT oid FROM pg_catalog.pg_cast UNION ALL SELECT oid FROM pg_catalog.pg_am
         UNION ALL SELECT oid FROM pg_catalog.pg_language WHERE lanname <> 'plpgsql'
         UNION ALL SELECT oid FROM pg_catalog.pg_foreign_data_wrapper UNION ALL SELECT oid FROM pg_catalog.pg_publication
         UNION ALL SELECT oid FROM pg_catalog.pg_event_trigger UNION ALL SELECT oid FROM pg_catalog.pg_default_acl) made
        WHERE made.oid >= 16384))";  // Below are those of initdb (PostgreSQL,
                                     // src/include/access/transam.h).

constexpr const char* kColumns = R"(
SELECT a.attrelid, a.attname
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attnum > 0
   AND NOT a.attisdropped AND a.attgenerated = ''
 ORDER BY a.attrelid, a.attnum)";

std::string provider_columns(int version) {
    if (version >= 170000) {
        return "d.datlocprovider, d.datlocale, d.daticurules";
    }
    if (version >= 160000) {
        return "d.datlocprovider, d.daticulocale, d.daticurules";
    }
    return version >= 150000 ? "d.datlocprovider, d.daticulocale, NULL" : "NULL, NULL, NULL";
}

/// As COPY TO writes a text value. Source: PostgreSQL manual, COPY, "Text Format".
std::string copy_text(std::string_view value) {
    std::string text;
    for (const char character : value) {
        switch (character) {
            case '\\': text += "\\\\"; break;
            case '\n': text += "\\n"; break;
            case '\t': text += "\\t"; break;
            case '\r': text += "\\r"; break;
            default: text += character;
        }
    }
    return text;
}

/// Those of the table itself, or of the root that its rows go through: partitions may have theirs
/// in another order.
void add_columns(Connection& connection, std::vector<Table>& tables) {
    std::unordered_multimap<std::int64_t, std::size_t> by_oid;
    for (std::size_t index = 0; index < tables.size(); ++index) {
        by_oid.emplace(tables[index].root != 0 ? tables[index].root : tables[index].oid, index);
    }
    const Rows columns = connection.query(kColumns);
    for (int row = 0; row < columns.count(); ++row) {
        const auto [begin, end] = by_oid.equal_range(columns.integer(row, 0));
        for (auto found = begin; found != end; ++found) {
            tables[found->second].columns.emplace_back(columns.text(row, 1));
        }
    }
}

}  // namespace

std::string Table::definition() const {
    return Json{{"schema", root != 0 ? root_schema : schema},
                {"table", root != 0 ? root_name : name},
                {"columns", columns},
                {"shape", shape},
                {"condition", condition},
                {"is_of_root", root != 0}}
        .dump();
}

TableDefinition TableDefinition::parse(const std::string& json) {
    try {
        const Json value = Json::parse(json);
        return {value.at("schema"),
                value.at("table"),
                value.at("columns"),
                value.value("shape", std::string()),
                value.value("condition", std::string()),
                value.value("is_of_root", false)};
    } catch (const Json::exception&) {
        throw CorruptionError("the snapshot's definition of a table is not one");
    }
}

std::string DatabaseProperties::json() const {
    return Json{{"name", name},
                {"owner", owner},
                {"encoding", encoding},
                {"collate", collate},
                {"ctype", ctype},
                {"provider", provider},
                {"locale", locale},
                {"icu_rules", icu_rules},
                {"comment", comment},
                {"acl", acl},
                {"tablespace", tablespace},
                {"connection_limit", connection_limit},
                {"is_template", is_template},
                {"allows_connections", allows_connections},
                {"settings", settings}}
        .dump();
}

DatabaseProperties DatabaseProperties::parse(const std::string& json) {
    try {
        const Json value = Json::parse(json);
        DatabaseProperties properties;
        properties.name = value.at("name");
        properties.owner = value.at("owner");
        properties.encoding = value.at("encoding");
        properties.collate = value.at("collate");
        properties.ctype = value.at("ctype");
        properties.provider = value.at("provider");
        properties.locale = value.at("locale");
        properties.icu_rules = value.at("icu_rules");
        properties.comment = value.at("comment");
        properties.acl = value.at("acl");
        properties.tablespace = value.value("tablespace", "pg_default");
        properties.connection_limit = value.at("connection_limit");
        properties.is_template = value.at("is_template");
        properties.allows_connections = value.at("allows_connections");
        properties.settings = value.at("settings");
        return properties;
    } catch (const Json::exception&) {
        throw CorruptionError("the snapshot's notes on its database are none");
    }
}

std::vector<Table> tables_of(Connection& connection) {
    const Rows rows = connection.query(kTables);
    std::vector<Table> tables;
    for (int row = 0; row < rows.count(); ++row) {
        Table table;
        table.oid = static_cast<std::uint32_t>(rows.integer(row, 0));
        table.schema = rows.text(row, 1);
        table.name = rows.text(row, 2);
        table.is_unlogged = rows.flag(row, 3);
        table.is_heap = rows.flag(row, 4);
        table.blocks = static_cast<std::uint64_t>(rows.integer(row, 5));
        table.condition = rows.text(row, 6);
        table.file_node = static_cast<std::uint32_t>(rows.integer(row, 7));
        table.tablespace = static_cast<std::uint32_t>(rows.integer(row, 8));
        table.root = static_cast<std::uint32_t>(rows.integer(row, 9));
        table.root_schema = rows.text(row, 10);
        table.root_name = rows.text(row, 11);
        tables.push_back(std::move(table));
    }
    add_columns(connection, tables);
    return tables;
}

std::string names_text(const std::vector<TableName>& tables) {
    constexpr std::size_t kNamesShownMax = 20;
    const std::size_t shown = std::min(tables.size(), kNamesShownMax);
    std::vector<std::string> names;
    for (std::size_t each = 0; each < shown; ++each) {
        names.push_back(fmt::format("{}.{}", tables[each].schema, tables[each].name));
    }
    return fmt::format(
        "{}{}", fmt::join(names, ", "),
        shown < tables.size() ? fmt::format(" and {} more", tables.size() - shown) : std::string());
}

PartitionedAbove partitioned_above(Connection& connection) {
    const Rows rows = connection.query(R"(
SELECT c.oid, n.nspname, a.relname FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(c.oid) ancestor
  JOIN pg_catalog.pg_class a ON a.oid = ancestor.relid AND a.oid <> c.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = a.relnamespace
 WHERE c.relispartition AND c.relkind = 'r')");
    PartitionedAbove above;
    for (int row = 0; row < rows.count(); ++row) {
        above[static_cast<std::uint32_t>(rows.integer(row, 0))].push_back(
            {std::string(rows.text(row, 1)), std::string(rows.text(row, 2))});
    }
    return above;
}

std::vector<TableName> names_of(const Table& table, const PartitionedAbove& above) {
    std::vector<TableName> names = {{table.schema, table.name}};
    if (const auto found = above.find(table.oid); found != above.end()) {
        names.insert(names.end(), found->second.begin(), found->second.end());
    }
    return names;
}

bool is_empty(Connection& connection) { return connection.text(kIsEmpty) == "t"; }

std::vector<std::string> filled_views_of(Connection& connection) {
    const Rows rows = connection.query(R"(
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
 ORDER BY c.oid)");
    std::vector<std::string> views;
    for (int row = 0; row < rows.count(); ++row) {
        views.emplace_back(rows.text(row, 0));
    }
    return views;
}

DatabaseProperties properties_of(Connection& connection) {
    const Rows row = connection.query(fmt::format(R"(
SELECT d.datname, pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.pg_encoding_to_char(d.encoding),
       d.datcollate, d.datctype, d.datacl, d.datconnlimit, d.datistemplate, d.datallowconn,
       pg_catalog.shobj_description(d.oid, 'pg_database'), {},
       (SELECT spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = d.dattablespace)
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())",
                                                  provider_columns(connection.server_version())));
    DatabaseProperties properties;
    properties.name = row.text(0, 0);
    properties.owner = row.text(0, 1);
    properties.encoding = row.text(0, 2);
    properties.collate = row.text(0, 3);
    properties.ctype = row.text(0, 4);
    properties.acl = row.text(0, 5);
    properties.connection_limit = row.integer(0, 6);
    properties.is_template = row.flag(0, 7);
    properties.allows_connections = row.flag(0, 8);
    properties.comment = row.text(0, 9);
    properties.provider = row.text(0, 10);
    properties.locale = row.text(0, 11);
    properties.icu_rules = row.text(0, 12);
    properties.tablespace = row.text(0, 13);
    const Rows settings = connection.query(R"(
SELECT s.setrole = 0, pg_catalog.pg_get_userbyid(s.setrole), pg_catalog.unnest(s.setconfig)
  FROM pg_catalog.pg_db_role_setting s
  JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
 WHERE d.datname = pg_catalog.current_database())");
    for (int each = 0; each < settings.count(); ++each) {
        const std::string_view assignment = settings.text(each, 2);
        const std::size_t equals = assignment.find('=');
        properties.settings.push_back(fmt::format(
            "{}\t{}\t{}",
            settings.flag(each, 0) ? std::string() : std::string(settings.text(each, 1)),
            assignment.substr(0, equals), assignment.substr(equals + 1)));
    }
    return properties;
}

std::vector<std::string> sequence_rows(Connection& connection) {
    const Rows names = connection.query(R"(
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
   AND n.nspname <> 'information_schema'
 ORDER BY 1, 2)");
    std::vector<std::string> result;
    for (int begin = 0; begin < names.count();) {
        std::vector<std::string> asked;
        for (; begin < names.count() && asked.size() < kSequencesAtOnce; ++begin) {
            asked.push_back(fmt::format("SELECT {}, last_value, is_called FROM {}", begin,
                                        quoted_name(names.text(begin, 0), names.text(begin, 1))));
        }
        const Rows values = connection.query(fmt::format("{}", fmt::join(asked, " UNION ALL ")));
        for (int row = 0; row < values.count(); ++row) {
            const int index = static_cast<int>(values.integer(row, 0));
            result.push_back(fmt::format("{}\t{}\t{}\t{}\n", copy_text(names.text(index, 0)),
                                         copy_text(names.text(index, 1)), values.text(row, 1),
                                         values.text(row, 2)));
        }
    }
    return result;
}

}  // namespace dbbackup::postgres
