#include "cli/snapshot_json.hpp"

#include "base/clock.hpp"

#include <nlohmann/json.hpp>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

std::string_view kind_name(StreamKind kind) {
    switch (kind) {
        case StreamKind::pages: return "pages";
        case StreamKind::rows: return "rows";
        case StreamKind::opaque: return "opaque";
    }
    return "opaque";
}

Json stream_json(const StoredStream& stream, Consistency consistency) {
    const bool has_rows = stream.kind == StreamKind::rows;
    const bool has_pages = stream.kind == StreamKind::pages;
    return {{"name", stream.name},
            {"kind", kind_name(stream.kind)},
            {"bytes", stream.size_bytes},
            {"page_bytes", has_pages ? Json(stream.page_bytes) : Json(nullptr)},
            {"rows", has_rows ? Json(stream.row_count) : Json(nullptr)},
            {"fingerprint", stream.fingerprint.text()},
            {"consistency", consistency_name(consistency)},
            {"definition", text_or_null(stream.definition)}};
}

}  // namespace

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string position_text(const Position& position) {
    return position.history.empty() ? position.value : position.history + ":" + position.value;
}

Json summary_json(const SnapshotSummary& summary, const std::set<SnapshotId>& doubtful) {
    return {{"snapshot", summary.id},
            {"source", summary.source_name},
            {"type", word_of(summary.type)},
            {"mode", word_of(summary.mode)},
            {"time", format_rfc3339(summary.begun_at)},
            {"sequence", summary.sequence},
            {"parent", or_null(summary.parent)},
            {"capture", capture_name(summary.capture)},
            {"consistency", consistency_name(summary.consistency)},
            {"incomplete", summary.is_incomplete},
            {"doubtful", doubtful.contains(summary.id)},
            {"bytes_source", summary.bytes_source},
            {"bytes_read", summary.bytes_read},
            {"bytes_added", summary.bytes_added},
            {"tags", Json(summary.tags)}};
}

Json details_json(const SnapshotDetails& details, const std::set<SnapshotId>& doubtful) {
    const SnapshotSummary& summary = details.summary;
    Json document = summary_json(summary, doubtful);
    document["requested_mode"] = word_of(summary.requested_mode);
    document["ended"] = format_rfc3339(summary.ended_at);
    document["identity"] = summary.identity;
    document["method"] = details.method;
    document["reason"] = text_or_null(details.reason);
    document["position"] = text_or_null(position_text(details.position));
    document["position_source"] = text_or_null(details.position.source_id);
    document["server_version"] = text_or_null(details.server_version);
    document["program_version"] = details.program_version;
    document["host"] = details.host;
    document["chunks_new"] = summary.chunks_new;
    document["chunks_delta"] = summary.chunks_delta;
    document["chunks_reused"] = summary.chunks_reused;
    document["rows"] = or_null(summary.rows);
    document["predecessor"] = or_null(details.predecessor);
    document["warnings"] = details.warnings;
    Json streams = Json::array();
    for (std::size_t index = 0; index < details.streams.size(); ++index) {
        const Consistency consistency = index < details.stream_consistency.size()
                                            ? details.stream_consistency[index]
                                            : summary.consistency;
        streams.push_back(stream_json(details.streams[index], consistency));
    }
    document["streams"] = std::move(streams);
    return document;
}

}  // namespace dbbackup
