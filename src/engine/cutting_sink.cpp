#include "engine/cutting_sink.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {

std::optional<PagesProof> chunk_proof(const StoredSegment* segment, StreamKind kind) {
    if (segment == nullptr || segment->chunks.size() != 1 || kind != StreamKind::pages) {
        return std::nullopt;
    }
    return PagesProof{segment->range.first_page, segment->fingerprint};
}

CuttingSink::CuttingSink(SegmentFeed& feed, const Fingerprinter& fingerprinter,
                         const StreamPlan& stream, const SegmentRange& range,
                         std::uint64_t sequence, const StoredSegment* parent)
    : feed_(feed),
      fingerprinter_(fingerprinter),
      stream_(stream),
      parent_(parent),
      next_page_(range.first_page),
      cutter_(stream.kind == StreamKind::pages ? kPageChunks : kRowChunks,
              [this](Bytes chunk) { push(std::move(chunk)); }) {
    segment_.range = range;
    segment_.read_sequence = sequence;
}

void CuttingSink::pages(std::uint64_t first, BytesView bytes) {
    expect_kind(StreamKind::pages);
    const std::uint32_t unit = stream_.page_bytes;
    if (unit == 0 || bytes.size() % unit != 0) {
        throw Error("the connector gave a part of a page");
    }
    if (first != next_page_) {
        throw Error("the connector gave pages out of order");
    }
    next_page_ += bytes.size() / unit;
    segment_.fingerprint += fingerprinter_.of_pages(bytes, unit, first);
    cutter_.add_pages(bytes);
}

void CuttingSink::rows(BytesView bytes, std::span<const std::uint32_t> row_ends) {
    expect_kind(StreamKind::rows);
    std::size_t start = 0;
    if (!std::is_sorted(row_ends.begin(), row_ends.end()) ||
        (row_ends.empty() ? 0 : row_ends.back()) != bytes.size()) {
        throw Error("the connector gave a part of a row");
    }
    for (const std::uint32_t end : row_ends) {
        segment_.fingerprint += fingerprinter_.of(bytes.subspan(start, end - start), 0);
        start = end;
    }
    segment_.rows += row_ends.size();
    cutter_.add_rows(bytes, row_ends);
}

void CuttingSink::opaque(BytesView bytes) {
    while (!bytes.empty()) {
        bytes = bytes.subspan(opaque_until_cut(bytes));
    }
}

std::size_t CuttingSink::opaque_until_cut(BytesView bytes) {
    expect_kind(StreamKind::opaque);
    return cutter_.add_opaque(bytes);
}

StoredSegment CuttingSink::finish() {
    const std::uint64_t pages = next_page_ - segment_.range.first_page;
    if (stream_.kind == StreamKind::pages && pages != segment_.range.page_count) {
        throw Error(fmt::format("the connector gave {} pages where it planned {}", pages,
                                segment_.range.page_count));
    }
    cutter_.finish();
    return std::move(segment_);
}

/// Stored under another kind, bytes would be cut, counted and restored wrongly.
void CuttingSink::expect_kind(StreamKind kind) const {
    if (stream_.kind != kind) {
        throw Error("the connector gave bytes of another kind than it planned");
    }
}

/// Pages: the parent's chunk that begins at the same place. Else the one that holds most of what
/// lies at the same place: after an insertion all others begin a little earlier or later than
/// before.
ChunkCopyPtr CuttingSink::base_of(std::size_t bytes) {
    if (parent_ == nullptr) {
        return nullptr;
    }
    const std::vector<ChunkCopyPtr>& chunks = parent_->chunks;
    const std::uint64_t begin = segment_.bytes;
    const std::uint64_t end = begin + bytes;
    while (base_ < chunks.size() && base_begin_ + chunks[base_]->plain_bytes <= begin) {
        base_begin_ += chunks[base_++]->plain_bytes;
    }
    if (stream_.kind == StreamKind::pages) {
        return base_ < chunks.size() && base_begin_ == begin ? chunks[base_] : nullptr;
    }
    ChunkCopyPtr best;
    std::uint64_t best_bytes = 0;
    std::uint64_t chunk_begin = base_begin_;
    for (std::size_t index = base_; index < chunks.size() && chunk_begin < end; ++index) {
        const std::uint64_t chunk_end = chunk_begin + chunks[index]->plain_bytes;
        const std::uint64_t shared = std::min(chunk_end, end) - std::max(chunk_begin, begin);
        if (shared > best_bytes) {
            best = chunks[index];
            best_bytes = shared;
        }
        chunk_begin = chunk_end;
    }
    return best;
}

void CuttingSink::push(Bytes content) {
    ChunkCopyPtr parent = base_of(content.size());
    segment_.bytes += content.size();
    feed_.push_chunk({.content = std::move(content),
                      .parent = std::move(parent),
                      .aligned_unit_bytes = stream_.page_bytes,
                      .parent_proof = chunk_proof(parent_, stream_.kind),
                      .kind = stream_.kind});
}

}  // namespace dbbackup
