#include "connector/sqlite/stored_schema.hpp"

#include "connector/sqlite/stored_sql.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>

namespace dbbackup::sqlite {
namespace {

constexpr std::array<std::string_view, 5> kFts = {"content", "segments", "segdir", "docsize",
                                                  "stat"};
constexpr std::array<std::string_view, 5> kFts5 = {"data", "idx", "content", "docsize", "config"};
constexpr std::array<std::string_view, 3> kRtree = {"node", "rowid", "parent"};

struct ModuleShadows {
    std::string_view module;
    std::span<const std::string_view> suffixes;
};
/// Asking SQLite (PRAGMA table_list) would run the modules on pages that may be hostile.
/// Source: fts3ShadowName, fts5ShadowName and rtreeShadowName in SQLite 3.40.
constexpr std::array<ModuleShadows, 6> kShadows = {{{"fts3", kFts},
                                                    {"fts4", kFts},
                                                    {"fts5", kFts5},
                                                    {"rtree", kRtree},
                                                    {"rtree_i32", kRtree},
                                                    {"geopoly", kRtree}}};

std::string folded(std::string_view name) {
    std::string out(name);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

using Places = std::map<std::string, std::size_t>;

void find_shadows(StoredSchema& schema, const Places& places) {
    for (TableDefinition& table : schema.tables) {
        if (table.kind != TableDefinition::Kind::virtual_table) {
            continue;
        }
        for (const ModuleShadows& known : kShadows) {
            if (!is_same_name(known.module, table.module)) {
                continue;
            }
            for (const std::string_view suffix : known.suffixes) {
                const auto found = places.find(folded(table.name + "_" + std::string(suffix)));
                if (found == places.end()) {
                    continue;
                }
                TableDefinition& shadow = schema.tables[found->second];
                if (shadow.kind == TableDefinition::Kind::ordinary) {
                    shadow.kind = TableDefinition::Kind::shadow;
                    table.shadows.push_back(shadow.name);
                }
            }
        }
    }
}

bool is_of_sqlite(std::string_view name) { return folded(name).starts_with("sqlite_"); }

}  // namespace

const TableDefinition* StoredSchema::find(std::string_view name) const {
    const auto found =
        std::find_if(tables.begin(), tables.end(),
                     [name](const TableDefinition& each) { return is_same_name(each.name, name); });
    return found == tables.end() ? nullptr : &*found;
}

StoredSchema read_schema(Database& database) {
    StoredSchema schema;
    Places places;
    struct Attached {
        std::string type;
        std::string table;
        Attachment object;
    };
    std::vector<Attached> attached;
    const auto add = [&](const Row& row) {
        const std::string type = row.text(0);
        TableDefinition table;
        table.name = row.text(1);
        table.sql = row.text(3);
        if (type == "index" || type == "trigger") {
            if (!table.sql.empty()) {
                attached.push_back({type, row.text(2), {table.name, table.sql}});
            }
            return;
        }
        if (is_of_sqlite(table.name)) {
            return;
        }
        const auto sql = StoredSql::parse(table.sql);
        if (type == "view") {
            table.kind = TableDefinition::Kind::view;
        } else if (sql && !sql->module.empty()) {
            table.kind = TableDefinition::Kind::virtual_table;
            table.module = sql->module;
        }
        places.emplace(folded(table.name), schema.tables.size());
        schema.tables.push_back(std::move(table));
    };
    database.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid", add);
    for (Attached& each : attached) {
        const auto found = places.find(folded(each.table));
        if (found != places.end()) {
            TableDefinition& table = schema.tables[found->second];
            (each.type == "index" ? table.indexes : table.triggers)
                .push_back(std::move(each.object));
        }
    }
    find_shadows(schema, places);
    return schema;
}

}  // namespace dbbackup::sqlite
