#include "engine/segment_list_writer.hpp"

#include "base/units.hpp"

#include <utility>

namespace dbbackup {
namespace {

/// Nothing of a list's part of a stream can be read before the list, so its deltas stay few.
constexpr unsigned kListDepthMax = 4;
/// Lists up to this size in all stay in the manifest, so that a small backup has few objects.
constexpr std::size_t kInlineListBytesMax = 4_KiB;

}  // namespace

SegmentListWriter::SegmentListWriter(ListStore store, const SegmentLists* parent,
                                     std::stop_token stop)
    : store_(store), parent_(parent), stop_(std::move(stop)) {
    store_.seal_options.compression = {};  // Lists are ours: always worth compressing.
}

void SegmentListWriter::add(StoredSegment segment) {
    list_chunks_ += segment.chunks.size();
    list_copies_ += closure_size(segment);
    list_.push_back(std::move(segment));
    if (list_chunks_ >= kListChunksMax || list_copies_ >= kListCopiesMax) {
        close_list();
        store_pending(false);
    }
}

void SegmentListWriter::close() { close_list(); }

std::vector<SegmentListRef> SegmentListWriter::finish() {
    std::size_t bytes = 0;
    for (const std::size_t index : pending_) {
        bytes += encode_chunk_list(lists_[index].segments).size();
    }
    if (pending_.size() < lists_.size() || bytes > kInlineListBytesMax) {
        store_pending(true);
    }
    return std::move(lists_);
}

void SegmentListWriter::close_list() {
    if (list_.empty()) {
        return;
    }
    SegmentListRef ref;
    ref.first_page = list_.front().range.first_page;
    for (const StoredSegment& segment : list_) {
        ref.bytes += segment.bytes;
    }
    ref.segments = std::exchange(list_, {});
    list_chunks_ = 0;
    list_copies_ = 0;
    pending_.push_back(lists_.size());
    lists_.push_back(std::move(ref));
}

void SegmentListWriter::store_pending(bool all) {
    std::vector<std::size_t> still_pending;
    for (const std::size_t index : pending_) {
        SegmentListRef& ref = lists_[index];
        if (all || is_fully_stored(ref.segments)) {
            ref.chunk = store(ref.segments, index);
            ref.segments = {};
        } else {
            still_pending.push_back(index);
        }
    }
    pending_ = std::move(still_pending);
}

ChunkCopyPtr SegmentListWriter::store(const std::vector<StoredSegment>& segments,
                                      std::size_t index) {
    const std::string record = encode_chunk_list(segments);
    SealCounts uncounted;
    Sealer sealer(store_.keys, store_.writer, store_.reader, store_.seal_options, uncounted,
                  store_.log, stop_);
    return sealer.seal({.content = copy_of(as_bytes(record)),
                        .parent = parent_ != nullptr ? parent_->list_chunk(index) : nullptr,
                        .depth_max = kListDepthMax});
}

}  // namespace dbbackup
