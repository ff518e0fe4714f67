#include "engine/stream_writer.hpp"

#include "engine/cutting_sink.hpp"
#include "engine/opaque_segments.hpp"
#include "engine/page_changes.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace dbbackup {
namespace {

/// Where the parent has the stream in the same form, its lists; else nothing.
std::optional<SegmentLists> lists_of(const StreamContents* parent, const StreamPlan& plan,
                                     ChunkReader& reader) {
    if (parent == nullptr || parent->stream.kind != plan.kind ||
        parent->stream.page_bytes != plan.page_bytes) {
        return std::nullopt;
    }
    return std::optional<SegmentLists>(std::in_place, *parent, reader);
}

StoredCounts stored_counts(const SealCounts& counts) {
    return {counts.stored_bytes, counts.stored_whole, counts.stored_delta, counts.reused};
}

}  // namespace

StreamWriter::StreamWriter(BackupRun& run, SealingStage& stage, StreamPlan plan,
                           const StreamContents* parent, std::stop_token stop)
    : run_(run),
      stage_(stage),
      plan_(std::move(plan)),
      segment_count_(plan_.segments.size()),
      stop_(std::move(stop)),
      parent_(lists_of(parent, plan_, run.reader)),
      lists_({run.repository.keys(), run.writer, run.reader, run.seal_options, run.context.log},
             parent_ ? &*parent_ : nullptr, stop_) {
    contents_.stream.kind = plan_.kind;
    contents_.stream.page_bytes = plan_.page_bytes;
    contents_.consistency = plan_.consistency;
    if (segment_count_ == 0) {
        end();
    }
}

std::size_t StreamWriter::write(Session& session, std::size_t index, const std::stop_token& stop) {
    const SegmentPlan& segment = plan_.segments[index];
    if (plan_.kind == StreamKind::opaque && segment.action == SegmentAction::read) {
        return write_opaque(session, index, stop);
    }
    const std::optional<StoredSegment> base = find_base(segment.range, stop);
    // Pages of a grown or shrunk last segment still meet their parent's chunks.
    const bool is_same_range = base && base->range == segment.range;
    if (segment.action == SegmentAction::patch && !is_same_range && !is_parent_damaged_) {
        throw Error("the connector planned a patch where the parent has no segment");
    }
    if (is_same_range && segment.action != SegmentAction::read) {
        SegmentFeed feed(stage_, *this, index, counts_, stop);
        if (segment.action == SegmentAction::patch ? patch(session, segment, *base, feed, stop)
                                                   : reuse(*base, feed)) {
            return feed.chunks();
        }
    }
    if (segment.action != SegmentAction::read) {
        note_fallback();
    }
    SegmentFeed feed(stage_, *this, index, counts_, stop);
    CuttingSink sink(feed, run_.repository.keys().fingerprinter(), plan_, segment.range,
                     run_.sequence, base ? &*base : nullptr);
    session.read(plan_, {segment.range, SegmentAction::read}, sink, stop);
    feed.push_end(sink.finish());
    return feed.chunks();
}

std::size_t StreamWriter::write_opaque(Session& session, std::size_t index,
                                       const std::stop_token& stop) {
    OpaqueSegments segments(
        stage_, parts_, *this, index, counts_,
        {run_.repository.keys().fingerprinter(), plan_, plan_.segments[index].range, run_.sequence,
         run_.opaque_chunks_max},
        [&](const SegmentRange& range) { return find_base(range, stop); }, stop);
    session.read(plan_, plan_.segments[index], segments, stop);
    return segments.finish();
}

void StreamWriter::note_fallback() {
    const std::string reason =
        is_parent_damaged_ ? "a part of the parent snapshot is damaged"
                           : "a part of the parent snapshot may not be referred to any more";
    const bool is_first = run_.notes.with([&reason](RunNotes& notes) {
        if (!notes.fallback_reason.empty()) {
            return false;
        }
        notes.fallback_reason = reason;
        return true;
    });
    if (is_first) {
        refuse_unwanted_fallback(run_.fallback, reason);
    }
}

bool StreamWriter::reuse(const StoredSegment& base, SegmentFeed& feed) {
    StoredSegment segment = base;
    for (ChunkCopyPtr& chunk : segment.chunks) {
        chunk = run_.writer.current(chunk, HeldAs::whole_or_delta);
        if (!chunk) {
            return false;
        }
    }
    feed.push_end(std::move(segment));
    return true;
}

void StreamWriter::note_parent_damage(const std::string& what, const CorruptionError& error) {
    run_.context.log.warning(what, {{"stream", plan_.name}, {"error", error.what()}});
    if (!is_parent_damaged_.exchange(true)) {
        run_.notes.with([&](RunNotes& notes) {
            notes.warnings.push_back(
                fmt::format("stream '{}': {}: {}", plan_.name, what, error.what()));
        });
    }
}

std::optional<StoredSegment> StreamWriter::find_base(const SegmentRange& range,
                                                     const std::stop_token& stop) {
    if (!parent_) {
        return std::nullopt;
    }
    try {
        // Held while a list is read: whoever else comes wants that list or the next one.
        const std::lock_guard lock(parent_mutex_);
        const StoredSegment* const found = parent_->find(range, plan_.kind, stop);
        return found == nullptr ? std::nullopt : std::optional(*found);
    } catch (const CorruptionError& error) {
        // The user's data comes first: what the parent cannot tell is read.
        note_parent_damage("a segment list of the parent is damaged; its segments are read", error);
        return std::nullopt;
    }
}

void StreamWriter::take(std::size_t index, StoredSegment segment) {
    Waiting& waiting = waiting_[index];
    if (!waiting.has_parts) {
        waiting.parts.push_back(std::move(segment));
    }
    waiting.is_whole = true;
    add_next();
}

void StreamWriter::Parts::take(std::size_t index, StoredSegment segment) {
    Waiting& waiting = writer_.waiting_[index];
    waiting.parts.push_back(std::move(segment));
    waiting.has_parts = true;
    writer_.add_next();
}

void StreamWriter::add_next() {
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
        add_waiting();
        if (!waiting_.begin()->second.is_whole) {
            return;
        }
        waiting_.erase(waiting_.begin());
        ++next_;
    }
    if (next_ == segment_count_) {
        end();
    }
}

void StreamWriter::add_waiting() {
    for (StoredSegment& each : std::exchange(waiting_.begin()->second.parts, {})) {
        contents_.stream.size_bytes += each.bytes;
        contents_.stream.row_count += each.rows;
        contents_.stream.fingerprint += each.fingerprint;
        lists_.add(std::move(each));
    }
}

/// Nobody reads the stream any more: its segments were all read, or there are none.
void StreamWriter::end() {
    lists_.close();
    if (parent_) {
        parent_->forget();
    }
    contents_.stream.name = std::move(plan_.name);
    contents_.stream.definition = std::move(plan_.definition);
    plan_.segments = {};
}

StreamContents StreamWriter::finish() {
    assert(next_ == segment_count_);
    contents_.lists = lists_.finish();
    contents_.counts = stored_counts(counts_);
    return std::move(contents_);
}

/// Lays the pages that changed over the parent's segment. Chunks without a changed page are taken
/// over unread.
bool StreamWriter::patch(Session& session, const SegmentPlan& segment, const StoredSegment& base,
                         SegmentFeed& feed, const std::stop_token& stop) {
    PageChanges changes(plan_.page_bytes);
    session.read(plan_, segment, changes, stop);
    if (!changes.lie_within(segment.range.first_page, segment.range.page_count)) {
        throw Error("the connector gave pages outside of the segment");
    }
    StoredSegment result = base;
    result.chunks.clear();
    std::uint64_t page = segment.range.first_page;
    for (const ChunkCopyPtr& chunk : base.chunks) {
        const std::uint64_t pages = chunk->plain_bytes / plan_.page_bytes;
        const bool is_touched = changes.touch(page, pages);
        const ChunkCopyPtr known =
            is_touched ? nullptr : run_.writer.current(chunk, HeldAs::whole_or_delta);
        if (!known) {
            Bytes content;
            try {
                content = run_.reader.read(*chunk, stop);
            } catch (const CorruptionError& error) {
                note_parent_damage("a chunk of the parent is damaged; its segment is read", error);
                run_.writer.distrust(*chunk, error.what());
                return false;
            }
            result.fingerprint +=
                changes.apply(page, content, run_.repository.keys().fingerprinter());
            feed.push_chunk({.content = std::move(content),
                             .parent = chunk,
                             .aligned_unit_bytes = plan_.page_bytes,
                             .parent_proof = chunk_proof(&base, plan_.kind),
                             .kind = plan_.kind});
        } else {
            feed.push_known(known);
        }
        page += pages;
    }
    feed.push_end(std::move(result));
    return true;
}

}  // namespace dbbackup
