#include "repository/manifest.hpp"

#include "repository/chunk_list_record.hpp"
#include "repository/record.hpp"
#include "repository/record_conversion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dbbackup {
namespace {

std::int64_t to_record(Time time) { return time.time_since_epoch().count(); }

Time time_from_record(std::int64_t milliseconds) {
    return Time(std::chrono::milliseconds(milliseconds));
}

/// @throws CorruptionError for a word or number that format 1 does not have.
template <class E>
E enum_from_record(const std::string& word) {
    const std::optional<E> value = value_of<E>(word);
    if (!value) {
        throw CorruptionError(fmt::format("a manifest holds the unknown word '{}'", word));
    }
    return *value;
}

template <class E>
E enum_from_record(std::uint32_t number, E last) {
    if (number == 0 || number > static_cast<std::uint32_t>(last)) {
        throw CorruptionError(fmt::format("a manifest holds the unknown number {}", number));
    }
    return static_cast<E>(number);
}

void summary_to_record(const SnapshotSummary& in, records::ManifestSummary& out) {
    out.set_run(in.id);
    out.set_source_id(in.source_id);
    out.set_source_name(in.source_name);
    out.set_type(std::string(word_of(in.type)));
    out.set_identity(in.identity);
    out.set_sequence(in.sequence);
    out.set_mode(std::string(word_of(in.mode)));
    out.set_requested_mode(std::string(word_of(in.requested_mode)));
    out.set_parent(in.parent.value_or(""));
    out.set_begun_at_ms(to_record(in.begun_at));
    out.set_ended_at_ms(to_record(in.ended_at));
    out.set_bytes_source(in.bytes_source);
    out.set_bytes_read(in.bytes_read);
    out.set_bytes_added(in.bytes_added);
    out.set_chunks_new(in.chunks_new);
    out.set_chunks_delta(in.chunks_delta);
    out.set_chunks_reused(in.chunks_reused);
    if (in.rows) {
        out.set_rows(*in.rows);
    }
    out.set_capture(static_cast<std::uint32_t>(in.capture));
    out.set_consistency(static_cast<std::uint32_t>(in.consistency));
    out.set_incomplete(in.is_incomplete);
    out.mutable_tags()->insert(in.tags.begin(), in.tags.end());
    for (const SnapshotId& id : in.doubtful) {
        out.add_doubtful(id);
    }
    if (in.origin) {
        out.mutable_origin()->set_repository(in.origin->repository);
        out.mutable_origin()->set_run(in.origin->snapshot);
        out.mutable_origin()->set_sequence(in.origin->sequence);
    }
}

SnapshotSummary summary_from_record(const records::ManifestSummary& in) {
    SnapshotSummary out;
    out.id = in.run();
    out.source_id = in.source_id();
    out.source_name = in.source_name();
    out.type = enum_from_record<DatabaseType>(in.type());
    out.identity = in.identity();
    out.sequence = in.sequence();
    out.mode = enum_from_record<BackupMode>(in.mode());
    out.requested_mode = enum_from_record<BackupMode>(in.requested_mode());
    if (!in.parent().empty()) {
        out.parent = in.parent();
    }
    out.begun_at = time_from_record(in.begun_at_ms());
    out.ended_at = time_from_record(in.ended_at_ms());
    out.bytes_source = in.bytes_source();
    out.bytes_read = in.bytes_read();
    out.bytes_added = in.bytes_added();
    out.chunks_new = in.chunks_new();
    out.chunks_delta = in.chunks_delta();
    out.chunks_reused = in.chunks_reused();
    if (in.has_rows()) {
        out.rows = in.rows();
    }
    out.capture = enum_from_record(in.capture(), Capture::native);
    out.consistency = enum_from_record(in.consistency(), Consistency::none);
    out.is_incomplete = in.incomplete();
    out.tags.insert(in.tags().begin(), in.tags().end());
    out.doubtful.assign(in.doubtful().begin(), in.doubtful().end());
    if (in.has_origin()) {
        out.origin = {in.origin().repository(), in.origin().run(), in.origin().sequence()};
    }
    return out;
}

void stream_to_record(const StreamContents& in, records::Stream& out) {
    out.set_name(in.stream.name);
    out.set_kind(static_cast<std::uint32_t>(in.stream.kind));
    out.set_page_bytes(in.stream.page_bytes);
    out.set_bytes(in.stream.size_bytes);
    out.set_rows(in.stream.row_count);
    out.set_definition(in.stream.definition);
    out.set_consistency(static_cast<std::uint32_t>(in.consistency));
    out.set_fingerprint_high(in.stream.fingerprint.high);
    out.set_fingerprint_low(in.stream.fingerprint.low);
    out.set_state(in.state);
    if (in.counts) {
        records::StoredCounts& counts = *out.mutable_stored();
        counts.set_bytes(in.counts->bytes);
        counts.set_chunks_new(in.counts->chunks_new);
        counts.set_chunks_delta(in.counts->chunks_delta);
        counts.set_chunks_reused(in.counts->chunks_reused);
    }
    CopyPlaces places(*out.mutable_list_chunks()->mutable_directory());
    for (const SegmentListRef& list : in.lists) {
        if (!list.chunk) {
            chunk_list_to_record(list.segments, *out.add_inline_lists());
            continue;
        }
        records::ListChunks& chunks = *out.mutable_list_chunks();
        chunks.add_lists(places.place_of(list.chunk));
        chunks.add_first_page(list.first_page);
        chunks.add_bytes(list.bytes);
    }
}

SegmentListRef inline_list(const records::ChunkList& in) {
    SegmentListRef list;
    list.segments = chunk_list_from_record(in);
    for (const StoredSegment& segment : list.segments) {
        list.bytes += segment.bytes;
    }
    if (!list.segments.empty()) {
        list.first_page = list.segments.front().range.first_page;
    }
    return list;
}

StreamContents stream_from_record(const records::Stream& in) {
    StreamContents out;
    out.stream.name = in.name();
    out.stream.kind = enum_from_record(in.kind(), StreamKind::opaque);
    out.stream.page_bytes = in.page_bytes();
    out.stream.size_bytes = in.bytes();
    out.stream.row_count = in.rows();
    out.stream.definition = in.definition();
    out.stream.fingerprint = {in.fingerprint_high(), in.fingerprint_low()};
    out.consistency = enum_from_record(in.consistency(), Consistency::none);
    out.state = in.state();
    if (in.has_stored()) {
        const records::StoredCounts& counts = in.stored();
        out.counts = {counts.bytes(), counts.chunks_new(), counts.chunks_delta(),
                      counts.chunks_reused()};
    }
    for (const records::ChunkList& list : in.inline_lists()) {
        out.lists.push_back(inline_list(list));
    }
    const records::ListChunks& chunks = in.list_chunks();
    if (chunks.first_page_size() != chunks.lists_size() ||
        chunks.bytes_size() != chunks.lists_size()) {
        throw CorruptionError("a manifest's table of segment lists has unequal columns");
    }
    const std::vector<ChunkCopyPtr> copies = copies_from_record(chunks.directory());
    for (int index = 0; index < chunks.lists_size(); ++index) {
        const std::uint32_t place = chunks.lists(index);
        if (place >= copies.size()) {
            throw CorruptionError("a manifest refers to a segment list that it does not hold");
        }
        out.lists.push_back({chunks.first_page(index), chunks.bytes(index), copies[place], {}});
    }
    return out;
}

void details_to_record(const SnapshotDetails& in, records::ManifestBody& out) {
    out.set_method(in.method);
    out.set_reason(in.reason);
    out.set_server_version(in.server_version);
    out.set_program_version(in.program_version);
    out.set_host(in.host);
    out.mutable_position()->set_source_id(in.position.source_id);
    out.mutable_position()->set_history(in.position.history);
    out.mutable_position()->set_value(in.position.value);
    out.set_connector_state(in.connector_state);
    for (const std::string& warning : in.warnings) {
        out.add_warnings(warning);
    }
    out.set_predecessor(in.predecessor.value_or(""));
    const Bytes digest = from_hex(in.predecessor_digest);
    out.set_predecessor_sha256(std::string(as_text(digest)));
}

void details_from_record(const records::ManifestBody& in, SnapshotDetails& out) {
    out.method = in.method();
    out.reason = in.reason();
    out.server_version = in.server_version();
    out.program_version = in.program_version();
    out.host = in.host();
    out.position = {in.position().source_id(), in.position().history(), in.position().value()};
    out.connector_state = in.connector_state();
    out.warnings.assign(in.warnings().begin(), in.warnings().end());
    if (!in.predecessor().empty()) {
        out.predecessor = in.predecessor();
    }
    out.predecessor_digest = to_hex(as_bytes(in.predecessor_sha256()));
}

SnapshotSummary read_summary(const ObjectName& name, const Bytes& section) {
    SnapshotSummary summary = summary_from_record(parse_record<records::ManifestSummary>(section));
    if (manifest_object_name(summary.source_id, summary.id) != name) {
        throw CorruptionError(fmt::format("{} holds the manifest of another run", name.text()));
    }
    return summary;
}

}  // namespace

const StreamContents* Manifest::stream_named(std::string_view name) const {
    const auto found = std::find_if(streams.begin(), streams.end(),
                                    [&](const auto& each) { return each.stream.name == name; });
    return found == streams.end() ? nullptr : &*found;
}

ObjectName manifest_object_name(const SourceId& source, const RunId& run) {
    return ObjectName(fmt::format("manifests/{}/{}", source, run));
}

Bytes encode_manifest(const Keys& keys, const ObjectName& name, const Manifest& manifest) {
    records::ManifestSummary summary;
    summary_to_record(manifest.details.summary, summary);
    records::ManifestBody body;
    details_to_record(manifest.details, body);
    for (const StreamContents& stream : manifest.streams) {
        stream_to_record(stream, *body.add_streams());
    }
    for (const std::string& index : manifest.indexes) {
        body.add_indexes(index);
    }
    index_to_record(manifest.inline_index, *body.mutable_inline_index());
    const std::array<std::string, 2> sections = {serialize(summary), serialize(body)};
    return encode_record(keys, name, RecordKind::manifest, sections);
}

std::optional<Manifest> decode_manifest(const Keys& keys, const ObjectName& name,
                                        BytesView object) {
    const Record record =
        decode_record(keys, name, object, {RecordKind::manifest, RecordKind::tombstone});
    if (record.kind == RecordKind::tombstone) {
        return std::nullopt;
    }
    if (record.sections.size() != 2) {
        throw CorruptionError(fmt::format("{} is not a manifest", name.text()));
    }
    Manifest manifest;
    manifest.details.summary = read_summary(name, record.sections[0]);
    const auto body = parse_record<records::ManifestBody>(record.sections[1]);
    details_from_record(body, manifest.details);
    for (const records::Stream& stream : body.streams()) {
        manifest.streams.push_back(stream_from_record(stream));
        manifest.details.streams.push_back(manifest.streams.back().stream);
        manifest.details.stream_consistency.push_back(manifest.streams.back().consistency);
        manifest.details.stream_counts.push_back(manifest.streams.back().counts);
    }
    manifest.indexes.assign(body.indexes().begin(), body.indexes().end());
    manifest.inline_index = index_from_record(body.inline_index());
    manifest.object_digest = sha256(object);
    return manifest;
}

std::optional<ManifestHead> decode_manifest_head(const Keys& keys, const ObjectName& name,
                                                 BytesView beginning) {
    const std::optional<Record> record = decode_first_section(keys, name, beginning);
    if (!record) {
        return std::nullopt;
    }
    if (record->kind == RecordKind::tombstone) {
        return ManifestHead{true, {}};
    }
    if (record->kind != RecordKind::manifest) {
        throw CorruptionError(fmt::format("{} is not a manifest", name.text()));
    }
    return ManifestHead{false, read_summary(name, record->sections[0])};
}

}  // namespace dbbackup
