#include "connector/postgres/target_objects.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// A class, a schema and a name as pg_dump gives it. Source: PostgreSQL, src/bin/pg_dump/pg_dump.c,
/// ARCHIVE_OPTS of each dump function.
constexpr const char* kObjects = R"(
WITH n AS (SELECT oid, nspname FROM pg_catalog.pg_namespace
            WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT 'relation', nspname, relname FROM pg_catalog.pg_class JOIN n ON n.oid = relnamespace
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL SELECT 'type', nspname, typname FROM pg_catalog.pg_type JOIN n ON n.oid = typnamespace
UNION ALL SELECT 'routine', nspname, proname || '(' || coalesce((
    SELECT pg_catalog.string_agg(pg_catalog.format_type(t, NULL), ', ' ORDER BY number)
      FROM pg_catalog.unnest(proargtypes) WITH ORDINALITY AS each(t, number)),
    CASE WHEN prokind = 'a' THEN '*' ELSE '' END) || ')'
  FROM pg_catalog.pg_proc JOIN n ON n.oid = pronamespace
UNION ALL SELECT 'COLLATION', nspname, collname FROM pg_catalog.pg_collation JOIN n ON n.oid = collnamespace
UNION ALL SELECT 'CONVERSION', nspname, conname FROM pg_catalog.pg_conversion JOIN n ON n.oid = connamespace
UNION ALL SELECT 'OPERATOR', nspname, oprname FROM pg_catalog.pg_operator JOIN n ON n.oid = oprnamespace
UNION ALL SELECT 'OPERATOR CLASS', nspname, opcname FROM pg_catalog.pg_opclass JOIN n ON n.oid = opcnamespace
UNION ALL SELECT 'OPERATOR FAMILY', nspname, opfname FROM pg_catalog.pg_opfamily JOIN n ON n.oid = opfnamespace
UNION ALL SELECT 'TEXT SEARCH CONFIGURATION', nspname, cfgname FROM pg_catalog.pg_ts_config JOIN n ON n.oid = cfgnamespace
UNION ALL SELECT 'TEXT SEARCH DICTIONARY', nspname, dictname FROM pg_catalog.pg_ts_dict JOIN n ON n.oid = dictnamespace
UNION ALL SELECT 'TEXT SEARCH PARSER', nspname, prsname FROM pg_catalog.pg_ts_parser JOIN n ON n.oid = prsnamespace
UNION ALL SELECT 'TEXT SEARCH TEMPLATE', nspname, tmplname FROM pg_catalog.pg_ts_template JOIN n ON n.oid = tmplnamespace
UNION ALL SELECT 'SCHEMA', '', nspname FROM n
UNION ALL SELECT 'EXTENSION', '', extname FROM pg_catalog.pg_extension
UNION ALL SELECT 'PROCEDURAL LANGUAGE', '', lanname FROM pg_catalog.pg_language
UNION ALL SELECT 'FOREIGN DATA WRAPPER', '', fdwname FROM pg_catalog.pg_foreign_data_wrapper
UNION ALL SELECT 'SERVER', '', srvname FROM pg_catalog.pg_foreign_server
UNION ALL SELECT 'ACCESS METHOD', '', amname FROM pg_catalog.pg_am
UNION ALL SELECT 'EVENT TRIGGER', '', evtname FROM pg_catalog.pg_event_trigger
UNION ALL SELECT 'PUBLICATION', '', pubname FROM pg_catalog.pg_publication
UNION ALL SELECT 'CAST', '', pg_catalog.format('CAST (%s AS %s)', pg_catalog.format_type(castsource, NULL),
    pg_catalog.format_type(casttarget, NULL)) FROM pg_catalog.pg_cast
UNION ALL SELECT 'TRANSFORM', '', pg_catalog.format('TRANSFORM FOR %s LANGUAGE %s',
    pg_catalog.format_type(trftype, NULL), lanname)
  FROM pg_catalog.pg_transform JOIN pg_catalog.pg_language l ON l.oid = trflang
UNION ALL SELECT 'USER MAPPING', '', pg_catalog.format('USER MAPPING %s SERVER %s', usename, srvname)
  FROM pg_catalog.pg_user_mappings)";

std::string_view class_of(const TocEntry& entry) {
    static constexpr std::array<std::string_view, 3> kTypes = {"TYPE", "DOMAIN", "SHELL TYPE"};
    static constexpr std::array<std::string_view, 3> kRoutines = {"FUNCTION", "PROCEDURE",
                                                                  "AGGREGATE"};
    if (entry.role() == TocEntry::Role::relation) {
        return "relation";
    }
    if (std::find(kTypes.begin(), kTypes.end(), entry.kind) != kTypes.end()) {
        return "type";
    }
    return std::find(kRoutines.begin(), kRoutines.end(), entry.kind) != kRoutines.end()
               ? std::string_view("routine")
               : std::string_view(entry.kind);
}

}  // namespace

std::set<int> there_of(Connection& connection, const Toc& toc, std::span<const int> ids) {
    const Rows rows = connection.query(kObjects);
    std::set<std::tuple<std::string_view, std::string_view, std::string_view>> there;
    for (int row = 0; row < rows.count(); ++row) {
        there.emplace(rows.text(row, 0), rows.text(row, 1), rows.text(row, 2));
    }
    std::set<int> found;
    std::copy_if(ids.begin(), ids.end(), std::inserter(found, found.end()), [&](int id) {
        const TocEntry& entry = *toc.find(id);
        return entry.role() != TocEntry::Role::part &&
               there.contains({class_of(entry), entry.schema, entry.name});
    });
    return found;
}

std::string drop_of(Connection& connection, const std::string& schema, const std::string& name) {
    const Rows row = connection.query(
        "SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' "
        "WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = $2",
        {schema, name});
    return row.count() == 0 ? std::string()
                            : fmt::format("DROP {} {}", row.text(0, 0), quoted_name(schema, name));
}

}  // namespace dbbackup::postgres
