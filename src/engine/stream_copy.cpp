#include "engine/stream_copy.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "pipeline/delta_base.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kInsideBytesPerJob = 4_MiB;
/// What an item weighs that brings no bytes.
constexpr std::uint64_t kItemBytes = 256;

bool have_equal_chunks(const StoredSegment& left, const StoredSegment& right) {
    return std::ranges::equal(
        left.chunks, right.chunks,
        [](const ChunkCopyPtr& one, const ChunkCopyPtr& other) { return one->id == other->id; });
}

/// Whether one is a copy of the other: its chunks stand side by side.
bool are_side_by_side(const StoredSegment* source, const StoredSegment* target) {
    return source != nullptr && target != nullptr && source->range == target->range &&
           std::ranges::equal(source->chunks, target->chunks,
                              [](const ChunkCopyPtr& one, const ChunkCopyPtr& other) {
                                  return one->plain_bytes == other->plain_bytes;
                              });
}

}  // namespace

/// One chunk, or the end of a segment.
struct StreamCopy::Item {
    ChunkCopyPtr chunk;
    ChunkCopyPtr known;         ///< The same chunk at the target, unless it has gone; may be null.
    ChunkCopyPtr base;          ///< The chunk at its place in the earlier snapshot; may be null.
    ChunkCopyPtr known_base;    ///< `base` at the target.
    bool needs_content = true;  ///< For the segment's fingerprint.
    std::uint64_t first_page = 0;
    std::uint32_t page_bytes = 0;
    StreamKind kind = StreamKind::opaque;
    std::optional<StoredSegment> end;
};

struct StreamCopy::Copied {
    ChunkCopyPtr chunk;
    Fingerprint fingerprint;
    bool has_fingerprint = false;
    Bytes rows;  ///< The content, where it is rows and their fingerprint is asked for.
    std::optional<StoredSegment> end;
};

/// One per thread: it owns the codecs' working memory.
class StreamCopy::Worker {
public:
    Worker(CopyRun& run, std::stop_token stop) : run_(run), stop_(std::move(stop)) {}

    [[nodiscard]] Copied copy(Item item) {
        Copied copied{nullptr, {}, item.needs_content, {}, std::move(item.end)};
        if (!item.chunk) {
            return copied;
        }
        if (item.known) {
            item.known = run_.writer.current(item.known, run_.held_as);
        }
        if (item.known && !item.needs_content) {
            ++run_.counts.reused;
            copied.chunk = std::move(item.known);
            return copied;
        }
        // Proven by its id, so that what is wrong at the source is not made right at the target.
        Bytes content = run_.source.read(*item.chunk, stop_);
        copy_content(item, content, copied);
        if (item.needs_content && item.kind == StreamKind::rows) {
            copied.rows = std::move(content);
        }
        return copied;
    }

private:
    void copy_content(const Item& item, BytesView content, Copied& copied) {
        const Keys& keys = run_.target.keys();
        if (item.page_bytes != 0) {
            copied.fingerprint =
                keys.fingerprinter().of_pages(content, item.page_bytes, item.first_page);
        }
        const ChunkId id = keys.chunk_id(content);
        copied.chunk =
            item.known && item.known->id == id ? item.known : run_.writer.find(id, run_.held_as);
        if (copied.chunk) {
            ++run_.counts.reused;
            return;
        }
        copied.chunk = store(item, id, content);
        run_.counts.stored_bytes += copied.chunk->sealed_bytes;
    }

    [[nodiscard]] ChunkCopyPtr store(const Item& item, const ChunkId& id, BytesView content) {
        const ChunkCopy& chunk = *item.chunk;
        if (!chunk.bases.empty() && run_.held_as == HeldAs::whole_or_delta) {
            if (ChunkCopyPtr delta = keep_delta(item, id, content)) {
                ++run_.counts.stored_delta;
                return delta;
            }
        }
        ++run_.counts.stored_whole;
        if (chunk.bases.empty() && !run_.compression) {
            if (std::optional<Bytes> packed = packed_form(chunk)) {
                return run_.writer.add({id, chunk.plain_bytes, chunk.codec, 0, 0, {}}, *packed, {});
            }
        }
        PackedChunk packed =
            run_.compression ? whole_.pack(id, content, whole_codec(*run_.compression, item.kind),
                                           run_.compression->level)
                             : whole_.pack(id, content, root_codec(chunk));
        return run_.writer.add(std::move(packed.form), packed.bytes, {});
    }

    /// The delta as it is, where the target has all its bases; else null. No base is ever stored
    /// only to keep a delta.
    [[nodiscard]] ChunkCopyPtr keep_delta(const Item& item, const ChunkId& id, BytesView content) {
        std::vector<ChunkCopyPtr> bases;
        std::uint32_t generation = item.chunk->generation;
        for (const ChunkCopyPtr& each : item.chunk->bases) {
            ChunkCopyPtr base = base_at_target(item, *each);
            if (!base || !is_stored(*base) || base->depth >= kDepthMax) {
                return nullptr;
            }
            generation = std::max(generation, base->generation + 1);
            bases.push_back(std::move(base));
        }
        const std::optional<Bytes> packed = packed_form(*item.chunk);
        if (!packed || packed->size() > delta_bytes_max(*bases.front(), content.size())) {
            return nullptr;
        }
        return run_.writer.add({id, item.chunk->plain_bytes, item.chunk->codec, 0, generation, {}},
                               *packed, bases);
    }

    [[nodiscard]] ChunkCopyPtr base_at_target(const Item& item, const ChunkCopy& base) {
        if (item.base && item.known_base && item.base->id == base.id) {
            if (ChunkCopyPtr known = run_.writer.current(item.known_base, HeldAs::whole_or_delta)) {
                return known;
            }
        }
        // It has to be read for its other name; decoding the chunk has just fetched it.
        const Bytes content = run_.source.read(base, stop_);
        return run_.writer.find(run_.target.keys().chunk_id(content), HeldAs::whole_or_delta);
    }

    /// Nothing when the pack that is named has gone: another one gave the content.
    [[nodiscard]] std::optional<Bytes> packed_form(const ChunkCopy& chunk) {
        try {
            return run_.source.read_packed(chunk, stop_);
        } catch (const CorruptionError&) {
            return std::nullopt;
        }
    }

    CopyRun& run_;
    std::stop_token stop_;
    WholePacker whole_;
};

StreamCopy::StreamCopy(CopyRun& run, const StreamContents& stream, const CopiedStream& known,
                       std::stop_token stop)
    : run_(run),
      stream_(stream),
      stop_(std::move(stop)),
      segments_(stream, run.source),
      known_source_(known.source != nullptr && known.target != nullptr
                        ? std::optional<SegmentLists>(std::in_place, *known.source, run.source)
                        : std::nullopt),
      known_target_(known_source_ ? std::optional<SegmentLists>(std::in_place, *known.target,
                                                                run.target_reader)
                                  : std::nullopt),
      lists_({run.target.keys(),
              run.writer,
              run.target_reader,
              {.compression = {},
               .held_as = run.held_as,
               .makes_deltas = run.held_as == HeldAs::whole_or_delta},
              run.context.log},
             known_target_ ? &*known_target_ : nullptr, stop_) {
    contents_.stream = stream.stream;
    contents_.stream.fingerprint = {};
    contents_.consistency = stream.consistency;
    contents_.state = stream.state;
    for (unsigned job = 0; job < run.jobs; ++job) {
        workers_state_.push_back(std::make_unique<Worker>(run, stop_));
    }
    workers_ = std::make_unique<OrderedWorkers<Item, Copied>>(
        run.jobs, ExpectedItems<Item>::inside_bytes_max(run.source, kInsideBytesPerJob * run.jobs),
        [this](Item item, unsigned worker) {
            return workers_state_[worker]->copy(std::move(item));
        },
        [this](Copied copied) { deliver(std::move(copied)); }, stop_);
}

StreamCopy::~StreamCopy() = default;

void StreamCopy::copy() {
    ExpectedItems<Item> items(run_.source, [this](Item item, std::uint64_t bytes) {
        workers_->push(std::move(item), bytes);
    });
    segments_.expect();
    for (std::size_t list = 0; list < segments_.count(); ++list) {
        for (const StoredSegment& segment : segments_.list(list, stop_)) {
            push(segment, items);
        }
    }
    items.flush();
    workers_->finish();
    workers_.reset();
    workers_state_.clear();
    lists_.close();
    // The streams of thousands of databases may wait to be finished.
    segments_.forget();
    if (known_source_) {
        known_source_->forget();
        known_target_->forget();
    }
}

StreamContents StreamCopy::finish() {
    contents_.lists = lists_.finish();
    return std::move(contents_);
}

void StreamCopy::push(const StoredSegment& segment, ExpectedItems<Item>& items) {
    const StreamKind kind = stream_.stream.kind;
    const StoredSegment* source =
        known_source_ ? known_source_->find(segment.range, kind, stop_) : nullptr;
    const StoredSegment* target =
        source != nullptr ? known_target_->find(segment.range, kind, stop_) : nullptr;
    const bool is_known = are_side_by_side(source, target);
    const bool is_unchanged = is_known && source->range == segment.range &&
                              source->fingerprint == segment.fingerprint &&
                              have_equal_chunks(*source, segment);
    std::uint64_t offset = 0;
    for (std::size_t index = 0; index < segment.chunks.size(); ++index) {
        Item item;
        item.chunk = segment.chunks[index];
        if (is_known && index < source->chunks.size()) {
            item.base = source->chunks[index];
            item.known_base = target->chunks[index];
            item.known = item.base->id == item.chunk->id ? item.known_base : nullptr;
        }
        item.needs_content = !is_unchanged && kind != StreamKind::opaque;
        item.kind = kind;
        item.page_bytes = kind == StreamKind::pages ? stream_.stream.page_bytes : 0;
        if (item.page_bytes != 0) {
            item.first_page = segment.range.first_page + offset / item.page_bytes;
        }
        offset += item.chunk->plain_bytes;
        const bool is_read = !item.known || item.needs_content;
        const ChunkCopyPtr chunk = item.chunk;
        items.add(std::move(item), std::span(&chunk, is_read ? 1 : 0),
                  is_read ? chunk->plain_bytes : kItemBytes);
    }
    Item end;
    end.end = segment;
    end.end->chunks.clear();
    end.needs_content = !is_unchanged;
    if (is_unchanged) {
        end.end->fingerprint = target->fingerprint;
    }
    items.add(std::move(end), {}, kItemBytes);
}

/// A row that is larger than a chunk goes on in the next one.
void StreamCopy::add_rows(BytesView content) {
    const Fingerprinter& fingerprinter = run_.target.keys().fingerprinter();
    while (!content.empty()) {
        const auto end = std::ranges::find(content, std::uint8_t{'\n'});
        const bool is_whole = end != content.end();
        const BytesView part(content.begin(), is_whole ? end + 1 : end);
        content = content.subspan(part.size());
        if (!is_whole || !row_.empty()) {
            row_.insert(row_.end(), part.begin(), part.end());
        }
        if (is_whole) {
            fingerprint_ += fingerprinter.of(row_.empty() ? part : BytesView(row_), 0);
            row_.clear();
        }
    }
}

void StreamCopy::deliver(Copied copied) {
    fingerprint_ += copied.fingerprint;
    add_rows(copied.rows);
    if (!copied.end) {
        run_.context.progress.bytes_done += copied.chunk->plain_bytes;
        run_.context.progress.bytes_stored = run_.writer.bytes_added();
        chunks_.push_back(std::move(copied.chunk));
        return;
    }
    StoredSegment segment = std::move(*copied.end);
    segment.chunks = std::exchange(chunks_, {});
    const Fingerprint read = std::exchange(fingerprint_, {});
    if (copied.has_fingerprint) {
        segment.fingerprint = read;
    }
    contents_.stream.fingerprint += segment.fingerprint;
    lists_.add(std::move(segment));
}

}  // namespace dbbackup
