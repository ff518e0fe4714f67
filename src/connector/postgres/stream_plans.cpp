#include "connector/postgres/stream_plans.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup::postgres {

StreamPlan opaque_stream(std::string name, Consistency consistency) {
    StreamPlan plan;
    plan.name = std::move(name);
    plan.kind = StreamKind::opaque;
    plan.consistency = consistency;
    plan.segments.emplace_back();
    return plan;
}

StreamPlan rows_stream(std::string name) {
    StreamPlan plan;
    plan.name = std::move(name);
    plan.kind = StreamKind::rows;
    plan.segments.emplace_back();
    return plan;
}

StreamPlan table_stream(std::string name, const Table& table, bool has_ranges) {
    StreamPlan plan;
    plan.name = std::move(name);
    plan.kind = StreamKind::rows;
    plan.definition = table.definition();
    if (!has_ranges || !table.is_heap) {
        plan.segments.emplace_back();
        return plan;
    }
    // The last one is open: a table may have grown since it was measured, by rows that the view
    // does not show, and by those that it does.
    std::uint64_t first = 0;
    do {
        SegmentPlan segment;
        segment.range.lower = first == 0 ? "" : fmt::format("{}", first);
        first += kSegmentBlocks;
        segment.range.upper = first < table.blocks ? fmt::format("{}", first) : "";
        plan.segments.push_back(std::move(segment));
    } while (first < table.blocks);
    return plan;
}

bool is_table(const StoredStream& stream) noexcept {
    return stream.kind == StreamKind::rows && !stream.definition.empty();
}

std::string copy_of(const Table& table, const SegmentRange& range) {
    std::vector<std::string> columns;
    std::transform(table.columns.begin(), table.columns.end(), std::back_inserter(columns),
                   [](const std::string& name) { return quoted_name(name); });
    std::vector<std::string> conditions;
    if (!range.lower.empty()) {
        conditions.push_back(fmt::format("ctid >= '({},0)'", range.lower));
    }
    if (!range.upper.empty()) {
        conditions.push_back(fmt::format("ctid < '({},0)'", range.upper));
    }
    if (!table.condition.empty()) {
        // An extension's: "WHERE …" (PostgreSQL manual, 38.17.3).
        std::string_view text = table.condition;
        text.remove_prefix(text.starts_with("WHERE") || text.starts_with("where") ? 5 : 0);
        conditions.push_back(fmt::format("({})", text));
    }
    return fmt::format("COPY (SELECT {} FROM ONLY {}{}{}) TO STDOUT", fmt::join(columns, ", "),
                       quoted_name(table.schema, table.name), conditions.empty() ? "" : " WHERE ",
                       fmt::join(conditions, " AND "));
}

}  // namespace dbbackup::postgres
