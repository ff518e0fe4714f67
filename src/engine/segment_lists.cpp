#include "engine/segment_lists.hpp"

#include <algorithm>

namespace dbbackup {

SegmentLists::SegmentLists(const StreamContents& stream, ChunkReader& reader)
    : stream_(stream), reader_(reader) {}

std::size_t SegmentLists::count() const noexcept { return stream_.lists.size(); }

const std::vector<StoredSegment>& SegmentLists::list(std::size_t index, std::stop_token stop) {
    const SegmentListRef& ref = stream_.lists[index];
    if (!ref.chunk) {
        return ref.segments;
    }
    if (decoded_index_ != index) {
        decoded_index_.reset();
        decoded_ = decode_chunk_list(reader_.read_kept(*ref.chunk, std::move(stop)));
        decoded_index_ = index;
    }
    return decoded_;
}

void SegmentLists::expect() {
    std::vector<ChunkCopyPtr> chunks;
    for (const SegmentListRef& ref : stream_.lists) {
        if (ref.chunk) {
            chunks.push_back(ref.chunk);
        }
    }
    reader_.expect(chunks);
}

void SegmentLists::forget() {
    decoded_index_.reset();
    decoded_ = {};
}

ChunkCopyPtr SegmentLists::list_chunk(std::size_t index) const {
    return index < stream_.lists.size() ? stream_.lists[index].chunk : nullptr;
}

const StoredSegment* SegmentLists::find(const SegmentRange& range, StreamKind kind,
                                        std::stop_token stop) {
    if (kind == StreamKind::pages) {
        // Lists are in page order, and each knows its first page.
        const auto after = std::upper_bound(
            stream_.lists.begin(), stream_.lists.end(), range.first_page,
            [](std::uint64_t page, const SegmentListRef& ref) { return page < ref.first_page; });
        if (after == stream_.lists.begin()) {
            return nullptr;
        }
        const auto index = static_cast<std::size_t>(after - stream_.lists.begin()) - 1;
        const std::vector<StoredSegment>& segments = list(index, std::move(stop));
        const auto found = std::lower_bound(segments.begin(), segments.end(), range.first_page,
                                            [](const StoredSegment& segment, std::uint64_t page) {
                                                return segment.range.first_page < page;
                                            });
        return found != segments.end() && found->range.first_page == range.first_page ? &*found
                                                                                      : nullptr;
    }
    for (std::size_t index = 0; index < count(); ++index) {
        for (const StoredSegment& segment : list(index, stop)) {
            if (segment.range == range) {
                return &segment;
            }
        }
    }
    return nullptr;
}

}  // namespace dbbackup
