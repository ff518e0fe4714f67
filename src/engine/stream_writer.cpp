#include "engine/stream_writer.hpp"

#include "base/error.hpp"
#include "engine/page_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace dbbackup {
namespace {

/// Plain bytes inside the sealers: enough that none waits, little enough that memory is bounded
/// by the number of jobs.
constexpr std::uint64_t kInsideBytesPerJob = 4_MiB;
/// What an item weighs that brings no bytes, so that a stream of skipped segments is bounded too.
constexpr std::uint64_t kItemBytes = 256;
/// A segment of one chunk proves that chunk.
std::optional<PagesProof> chunk_proof(const StoredSegment* segment, StreamKind kind) {
    if (segment == nullptr || segment->chunks.size() != 1 || kind != StreamKind::pages) {
        return std::nullopt;
    }
    return PagesProof{segment->range.first_page, segment->fingerprint};
}

/// The parent's chunk that starts at this offset of the segment, or null.
ChunkCopyPtr chunk_at(const StoredSegment* segment, std::uint64_t offset) {
    if (segment == nullptr) {
        return nullptr;
    }
    std::uint64_t start = 0;
    for (const ChunkCopyPtr& chunk : segment->chunks) {
        if (start == offset) {
            return chunk;
        }
        start += chunk->plain_bytes;
    }
    return nullptr;
}

}  // namespace

/// What goes through the sealers, in stream order: a chunk to seal, a chunk that is stored already,
/// or the end of a segment (with its chunks when it is taken over whole).
struct StreamWriter::Item {
    std::optional<ChunkToSeal> chunk;
    ChunkCopyPtr known;
    std::optional<StoredSegment> end;
    bool is_restart = false;
    std::optional<NamedChunk> name = {};  ///< Of `chunk`, where it was named before it is sealed.
    std::uint64_t read_bytes = 0;         ///< Of a chunk that turned out to be known.
};

struct StreamWriter::Sealed {
    ChunkCopyPtr chunk;
    std::uint64_t bytes = 0;
    std::optional<StoredSegment> end;
    bool is_restart = false;
};

/// Cuts what a connector gives, and sums up fingerprint, rows and bytes.
class StreamWriter::Sink final : public SegmentSink {
public:
    /// @param parent The parent's segment of the same range, or null. Copied where kept.
    Sink(StreamWriter& writer, const SegmentRange& range, const StoredSegment* parent)
        : writer_(writer),
          parent_(parent),
          cutter_(writer.plan_.kind == StreamKind::pages ? kPageChunks : kRowChunks,
                  [this](Bytes chunk) { push(std::move(chunk)); }) {
        segment_.range = range;
        segment_.read_sequence = writer.run_.sequence;
        next_page_ = range.first_page;
    }

    void pages(std::uint64_t first, BytesView bytes) override {
        expect_kind(StreamKind::pages);
        const std::uint32_t unit = writer_.plan_.page_bytes;
        if (unit == 0 || bytes.size() % unit != 0) {
            throw Error("the connector gave a part of a page");
        }
        if (first != next_page_) {
            throw Error("the connector gave pages out of order");
        }
        next_page_ += bytes.size() / unit;
        segment_.fingerprint += fingerprinter().of_pages(bytes, unit, first);
        cutter_.add_pages(bytes);
    }

    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override {
        expect_kind(StreamKind::rows);
        std::size_t start = 0;
        if (!std::is_sorted(row_ends.begin(), row_ends.end()) ||
            (row_ends.empty() ? 0 : row_ends.back()) != bytes.size()) {
            throw Error("the connector gave a part of a row");
        }
        for (const std::uint32_t end : row_ends) {
            segment_.fingerprint += fingerprinter().of(bytes.subspan(start, end - start), 0);
            start = end;
        }
        segment_.rows += row_ends.size();
        cutter_.add_rows(bytes, row_ends);
    }

    void opaque(BytesView bytes) override {
        expect_kind(StreamKind::opaque);
        cutter_.add_opaque(bytes);
    }

    /// Ends the segment. @throws Error when it does not have the pages that were planned.
    StoredSegment finish() {
        const std::uint64_t pages = next_page_ - segment_.range.first_page;
        if (writer_.plan_.kind == StreamKind::pages && pages != segment_.range.page_count) {
            throw Error(fmt::format("the connector gave {} pages where it planned {}", pages,
                                    segment_.range.page_count));
        }
        cutter_.finish();
        return std::move(segment_);
    }

private:
    /// Stored under another kind, bytes would be cut, counted and restored wrongly.
    void expect_kind(StreamKind kind) const {
        if (writer_.plan_.kind != kind) {
            throw Error("the connector gave bytes of another kind than it planned");
        }
    }

    [[nodiscard]] const Fingerprinter& fingerprinter() const {
        return writer_.run_.repository.keys().fingerprinter();
    }

    void push(Bytes chunk) {
        ChunkCopyPtr parent = chunk_at(parent_, segment_.bytes);
        segment_.bytes += chunk.size();
        writer_.push_chunk(std::move(chunk), std::move(parent), parent_);
    }

    StreamWriter& writer_;
    const StoredSegment* parent_;
    StoredSegment segment_;
    std::uint64_t next_page_ = 0;
    Cutter cutter_;
};

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

}  // namespace

StreamWriter::StreamWriter(BackupRun& run, const StreamPlan& plan, const StreamContents* parent,
                           std::stop_token stop)
    : run_(run),
      plan_(plan),
      stop_(std::move(stop)),
      parent_(lists_of(parent, plan, run.reader)),
      lists_({run.repository.keys(), run.writer, run.reader, run.seal_options, run.context.log},
             parent_ ? &*parent_ : nullptr, stop_) {
    contents_.stream.name = plan.name;
    contents_.stream.kind = plan.kind;
    contents_.stream.page_bytes = plan.page_bytes;
    contents_.stream.definition = plan.definition;
    contents_.consistency = plan.consistency;
    for (unsigned job = 0; job < run.jobs; ++job) {
        sealers_.push_back(std::make_unique<Sealer>(run.repository.keys(), run.writer, run.reader,
                                                    run.seal_options, run.counts, run.context.log,
                                                    stop_));
    }
    const bool is_ahead = parent_ && run.seal_options.makes_deltas && run.reader.reads_ahead();
    const std::uint64_t inside_bytes_max = kInsideBytesPerJob * run.jobs;
    workers_ = std::make_unique<OrderedWorkers<Item, Sealed>>(
        run.jobs,
        is_ahead ? ExpectedItems<Item>::inside_bytes_max(run.reader, inside_bytes_max)
                 : inside_bytes_max,
        [this](Item item, unsigned worker) { return seal(std::move(item), worker); },
        [this](Sealed sealed) { deliver(std::move(sealed)); }, stop_);
    if (!is_ahead) {
        return;
    }
    expected_ = std::make_unique<ExpectedItems<Item>>(
        run.reader,
        [this](Item item, std::uint64_t bytes) { workers_->push(std::move(item), bytes); });
    namers_ = std::make_unique<OrderedWorkers<Item, Item>>(
        run.jobs, inside_bytes_max / 2,
        [this](Item item, unsigned worker) { return name(std::move(item), worker); },
        [this](Item item) { expect(std::move(item)); }, stop_);
}

StreamWriter::~StreamWriter() {
    if (namers_) {
        workers_->give_up();  // Else a namer might wait for room there.
    }
}

void StreamWriter::write(Session& session, const SegmentPlan& segment) {
    const StoredSegment* base = find_base(segment.range);
    // Pages of a grown or shrunk last segment still meet their parent's chunks.
    const bool is_same_range = base != nullptr && base->range == segment.range;
    if (is_same_range && segment.action == SegmentAction::patch && patch(session, segment, *base)) {
        return;
    }
    if (is_same_range && segment.action == SegmentAction::reuse && reuse(*base)) {
        return;
    }
    if (segment.action == SegmentAction::patch && !is_same_range && !is_parent_damaged_) {
        throw Error("the connector planned a patch where the parent has no segment");
    }
    if (segment.action != SegmentAction::read && run_.fallback_reason.empty()) {
        run_.fallback_reason =
            is_parent_damaged_ ? "a part of the parent snapshot is damaged"
                               : "a part of the parent snapshot may not be referred to any more";
        refuse_unwanted_fallback(run_.fallback, run_.fallback_reason);
    }
    Sink sink(*this, segment.range, base);
    session.read(plan_, {segment.range, SegmentAction::read}, sink, stop_);
    StoredSegment done = sink.finish();
    push_end(std::move(done));
}

bool StreamWriter::reuse(const StoredSegment& base) {
    StoredSegment segment = base;
    for (ChunkCopyPtr& chunk : segment.chunks) {
        chunk = run_.writer.current(chunk, HeldAs::whole_or_delta);
        if (!chunk) {
            return false;
        }
    }
    run_.counts.reused += segment.chunks.size();
    push_end(std::move(segment));
    return true;
}

void StreamWriter::note_parent_damage(const std::string& what, const CorruptionError& error) {
    run_.context.log.warning(what, {{"stream", plan_.name}, {"error", error.what()}});
    if (!is_parent_damaged_) {
        run_.warnings.push_back(fmt::format("stream '{}': {}: {}", plan_.name, what, error.what()));
    }
    is_parent_damaged_ = true;
}

const StoredSegment* StreamWriter::find_base(const SegmentRange& range) {
    if (!parent_) {
        return nullptr;
    }
    try {
        return parent_->find(range, plan_.kind, stop_);
    } catch (const CorruptionError& error) {
        // The user's data comes first: what the parent cannot tell is read.
        note_parent_damage("a segment list of the parent is damaged; its segments are read", error);
        return nullptr;
    }
}

void StreamWriter::push_chunk(Bytes content, ChunkCopyPtr parent, const StoredSegment* segment) {
    const std::uint64_t bytes = content.size();
    ChunkToSeal chunk{.content = std::move(content),
                      .parent = std::move(parent),
                      .aligned_unit_bytes = plan_.page_bytes,
                      .parent_proof = chunk_proof(segment, plan_.kind)};
    push({std::move(chunk), nullptr, {}, false}, bytes);
}

void StreamWriter::push_known(ChunkCopyPtr chunk) {
    ++run_.counts.reused;
    push({std::nullopt, std::move(chunk), {}, false}, kItemBytes);
}

void StreamWriter::push_end(StoredSegment segment) {
    const std::uint64_t bytes = kItemBytes * (1 + segment.chunks.size());
    push({std::nullopt, nullptr, std::move(segment), false}, bytes);
}

void StreamWriter::push_restart() { push({std::nullopt, nullptr, {}, true}, kItemBytes); }

void StreamWriter::push(Item item, std::uint64_t bytes) {
    if (namers_) {
        namers_->push(std::move(item), bytes);
    } else {
        workers_->push(std::move(item), bytes);
    }
}

StreamWriter::Item StreamWriter::name(Item item, unsigned worker) {
    if (item.chunk) {
        item.name = sealers_[worker]->name(*item.chunk);
        if (item.name->known) {
            item.known = item.name->known;
            item.read_bytes = item.chunk->content.size();
            item.chunk.reset();
        }
    }
    return item;
}

void StreamWriter::expect(Item item) {
    const ChunkCopyPtr base = item.chunk ? item.name->base : nullptr;
    const std::uint64_t bytes = item.chunk ? item.chunk->content.size()
                                : item.end ? kItemBytes * (1 + item.end->chunks.size())
                                           : kItemBytes;
    expected_->add(std::move(item), std::span(&base, base ? 1 : 0), bytes);
}

StreamWriter::Sealed StreamWriter::seal(Item item, unsigned worker) {
    if (!item.chunk) {
        return {std::move(item.known), item.read_bytes, std::move(item.end), item.is_restart};
    }
    Sealer& sealer = *sealers_[worker];
    return {item.name ? sealer.seal_named(*item.chunk, item.name->id) : sealer.seal(*item.chunk),
            item.chunk->content.size(), std::nullopt, false};
}

void StreamWriter::deliver(Sealed sealed) {
    run_.context.progress.bytes_done += sealed.bytes;
    run_.context.progress.bytes_stored = run_.writer.bytes_added();
    if (sealed.is_restart) {
        chunks_.clear();
        return;
    }
    if (!sealed.end) {
        chunks_.push_back(std::move(sealed.chunk));
        return;
    }
    StoredSegment segment = std::move(*sealed.end);
    if (segment.chunks.empty()) {
        segment.chunks = std::exchange(chunks_, {});
    }
    contents_.stream.size_bytes += segment.bytes;
    contents_.stream.row_count += segment.rows;
    contents_.stream.fingerprint += segment.fingerprint;
    lists_.add(std::move(segment));
}

void StreamWriter::finish_reading() {
    if (namers_) {
        namers_->finish();
        expected_->flush();
    }
    workers_->finish();
    namers_.reset();
    workers_.reset();
    sealers_.clear();
    lists_.close();
    if (parent_) {
        parent_->forget();  // The streams of thousands of databases may wait to be finished.
    }
}

StreamContents StreamWriter::finish() {
    contents_.lists = lists_.finish();
    return std::move(contents_);
}

/// Lays the pages that changed over the parent's segment. Chunks without a changed page are taken
/// over unread.
bool StreamWriter::patch(Session& session, const SegmentPlan& segment, const StoredSegment& base) {
    PageChanges changes(plan_.page_bytes);
    session.read(plan_, segment, changes, stop_);
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
                content = run_.reader.read(*chunk, stop_);
            } catch (const CorruptionError& error) {
                note_parent_damage("a chunk of the parent is damaged; its segment is read", error);
                run_.writer.distrust(*chunk, error.what());
                push_restart();
                return false;
            }
            result.fingerprint +=
                changes.apply(page, content, run_.repository.keys().fingerprinter());
            push_chunk(std::move(content), chunk, &base);
        } else {
            push_known(known);
        }
        page += pages;
    }
    push_end(std::move(result));
    return true;
}

}  // namespace dbbackup
