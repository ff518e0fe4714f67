#include "cli/snapshot_json.hpp"

#include "base/clock.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

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

void add_counts(const StoredCounts* counts, Json& stream) {
    const auto or_unknown = [counts](std::uint64_t StoredCounts::* member) {
        return counts != nullptr ? Json(counts->*member) : Json(nullptr);
    };
    stream["bytes_stored"] = or_unknown(&StoredCounts::bytes);
    stream["chunks_new"] = or_unknown(&StoredCounts::chunks_new);
    stream["chunks_delta"] = or_unknown(&StoredCounts::chunks_delta);
    stream["chunks_reused"] = or_unknown(&StoredCounts::chunks_reused);
}

}  // namespace

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string position_text(const Position& position) {
    return position.history.empty() ? position.value : position.history + ":" + position.value;
}

Json summary_json(const SnapshotSummary& summary, const SnapshotRemarks& remarks) {
    const auto pinned = remarks.pinned.find(summary.id);
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
            {"doubtful", remarks.doubtful.contains(summary.id)},
            {"pinned", pinned == remarks.pinned.end() ? Json(nullptr) : Json(pinned->second)},
            {"bytes_source", summary.bytes_source},
            {"bytes_read", summary.bytes_read},
            {"bytes_added", summary.bytes_added},
            {"tags", Json(summary.tags)}};
}

const StoredStream* stream_named(const SnapshotDetails& details, const std::string& name) {
    const auto found = std::ranges::find(details.streams, name, &StoredStream::name);
    return found == details.streams.end() ? nullptr : &*found;
}

const StoredCounts* stored_counts(const SnapshotDetails& details, std::size_t index) {
    if (index >= details.stream_counts.size() || !details.stream_counts[index]) {
        return nullptr;
    }
    return &*details.stream_counts[index];
}

Json details_json(const SnapshotDetails& details, const std::optional<SnapshotDetails>& parent,
                  const SnapshotRemarks& remarks) {
    const SnapshotSummary& summary = details.summary;
    Json document = summary_json(summary, remarks);
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
    document["origin"] = nullptr;
    if (summary.origin) {
        document["origin"] = {{"repository", summary.origin->repository},
                              {"snapshot", summary.origin->snapshot},
                              {"sequence", summary.origin->sequence}};
    }
    document["warnings"] = details.warnings;
    Json streams = Json::array();
    for (std::size_t index = 0; index < details.streams.size(); ++index) {
        const Consistency consistency = index < details.stream_consistency.size()
                                            ? details.stream_consistency[index]
                                            : summary.consistency;
        Json stream = stream_json(details.streams[index], consistency);
        const StoredStream* const before =
            parent ? stream_named(*parent, details.streams[index].name) : nullptr;
        stream["bytes_parent"] = before != nullptr ? Json(before->size_bytes) : Json(nullptr);
        add_counts(stored_counts(details, index), stream);
        streams.push_back(std::move(stream));
    }
    document["streams"] = std::move(streams);
    return document;
}

}  // namespace dbbackup
