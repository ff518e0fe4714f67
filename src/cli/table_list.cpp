#include "cli/table_list.hpp"

#include "base/units.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kUnknown = "?";

std::string_view kind_name(TableKind kind) {
    switch (kind) {
        case TableKind::table: return "table";
        case TableKind::view: return "view";
        case TableKind::virtual_table: return "virtual";
        case TableKind::shadow: return "shadow";
        case TableKind::system: return "system";
    }
    return "table";
}

std::string_view change_name(TableChange change) {
    switch (change) {
        case TableChange::unknown: return "unknown";
        case TableChange::added: return "new";
        case TableChange::gone: return "gone";
        case TableChange::kept: return "kept";
    }
    return "unknown";
}

bool takes_space(const StoredTable& table) {
    return table.kind != TableKind::view && table.kind != TableKind::virtual_table;
}

std::string size_text(const std::optional<std::uint64_t>& bytes) {
    return bytes ? format_size(*bytes) : kUnknown;
}

std::string growth_text(const ComparedTable& each) {
    switch (each.change) {
        case TableChange::unknown: return "";
        case TableChange::added: return "new";
        case TableChange::gone:
            return each.bytes_parent && takes_space(each.table)
                       ? fmt::format("gone, -{}", format_size(*each.bytes_parent))
                       : "gone";
        case TableChange::kept: break;
    }
    if (!takes_space(each.table)) {
        return "";
    }
    const std::optional<std::uint64_t> now = each.table.total_bytes();
    return now && each.bytes_parent ? difference_text(*now, *each.bytes_parent) : kUnknown;
}

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json indexes_json(const StoredTable& table) {
    Json list = Json::array();
    for (const IndexSize& index : table.indexes) {
        list.push_back({{"name", index.name}, {"bytes", or_null(index.bytes)}});
    }
    return list;
}

}  // namespace

std::string tables_text(const SnapshotTables& found, const Terminal& terminal) {
    const bool are_several = found.are_several_databases &&
                             std::ranges::any_of(found.tables, [&](const ComparedTable& each) {
                                 return each.database != found.tables.front().database;
                             });
    Table table({{"DATABASE", Align::left, true, 0},
                 {"TABLE", Align::left, true, 0},
                 {"KIND", Align::left, false, 3},
                 {"SIZE", Align::right, false, 1},
                 {"GROWTH", Align::right, false, 2},
                 {"INDEXES", Align::right, false, 4},
                 {"ROWS", Align::right, false, 3},
                 {"TRIGGERS", Align::right, false, 5}});
    for (const ComparedTable& each : found.tables) {
        const StoredTable& one = each.table;
        const bool is_here = each.change != TableChange::gone && takes_space(one);
        table.add({are_several ? each.database : "", one.name, std::string(kind_name(one.kind)),
                   is_here ? size_text(one.total_bytes()) : "", growth_text(each),
                   one.indexes.empty() ? "" : size_text(one.index_bytes()),
                   !is_here   ? ""
                   : one.rows ? count_text(*one.rows)
                              : kUnknown,
                   one.triggers.empty() ? "" : count_text(one.triggers.size())});
    }
    return table.is_empty() ? "\nthere are no tables\n" : "\n" + table.text(terminal);
}

Json tables_json(const SnapshotTables& found) {
    Json list = Json::array();
    for (const ComparedTable& each : found.tables) {
        const StoredTable& table = each.table;
        list.push_back({{"stream", each.stream},
                        {"table", table.name},
                        {"kind", kind_name(table.kind)},
                        {"shadow_of", text_or_null(table.shadow_of)},
                        {"change", change_name(each.change)},
                        {"bytes", or_null(table.total_bytes())},
                        {"bytes_parent", or_null(each.bytes_parent)},
                        {"bytes_indexes", or_null(table.index_bytes())},
                        {"rows", or_null(table.rows)},
                        {"rows_parent", or_null(each.rows_parent)},
                        {"indexes", indexes_json(table)},
                        {"triggers", table.triggers},
                        {"problem", table.untold ? Json(table.untold->why) : Json(nullptr)}});
    }
    return list;
}

}  // namespace dbbackup
