#include "engine/opaque_segments.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {

SegmentRange opaque_range(const SegmentRange& planned, std::size_t number) {
    SegmentRange range = planned;
    if (number > 0) {
        range.lower = fmt::format("{}#{}", planned.lower, number);
    }
    return range;
}

OpaqueSegments::OpaqueSegments(SealingStage& stage, SealedSegments& to, SealedSegments& end,
                               std::size_t index, SealCounts& counts, const OpaqueSetting& setting,
                               FindBase find_base, std::stop_token stop)
    : stage_(stage),
      to_(to),
      end_(end),
      index_(index),
      counts_(counts),
      setting_(setting),
      find_base_(std::move(find_base)),
      stop_(std::move(stop)) {
    begin();
}

void OpaqueSegments::begin() {
    range_ = opaque_range(setting_.range, number_++);
    base_ = find_base_(range_);
    feed_.emplace(stage_, to_, index_, counts_, stop_);
    sink_.emplace(*feed_, setting_.fingerprinter, setting_.plan, range_, setting_.sequence,
                  base_ ? &*base_ : nullptr);
}

void OpaqueSegments::end_segment() {
    feed_->push_end(sink_->finish());
    chunks_ += feed_->chunks();
}

void OpaqueSegments::pages(std::uint64_t first, BytesView bytes) { sink_->pages(first, bytes); }

void OpaqueSegments::rows(BytesView bytes, std::span<const std::uint32_t> row_ends) {
    sink_->rows(bytes, row_ends);
}

void OpaqueSegments::opaque(BytesView bytes) {
    while (!bytes.empty()) {
        // Only where there is more: so the last one is never empty.
        if (feed_->chunks() >= setting_.chunks_max) {
            end_segment();
            begin();
        }
        bytes = bytes.subspan(sink_->opaque_until_cut(bytes));
    }
}

std::size_t OpaqueSegments::finish() {
    end_segment();
    SegmentFeed end(stage_, end_, index_, counts_, stop_);
    end.push_end({});
    return chunks_;
}

}  // namespace dbbackup
