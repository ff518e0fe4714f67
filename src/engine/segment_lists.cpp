#include "engine/segment_lists.hpp"

#include <algorithm>
#include <functional>

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
    lists_by_key_ = {};
    noted_lists_ = 0;
}

ChunkCopyPtr SegmentLists::list_chunk(std::size_t index) const {
    return index < stream_.lists.size() ? stream_.lists[index].chunk : nullptr;
}

const StoredSegment* SegmentLists::find(const SegmentRange& range, StreamKind kind,
                                        std::stop_token stop) {
    return kind == StreamKind::pages ? find_pages(range.first_page, std::move(stop))
                                     : find_rows(range.lower, std::move(stop));
}

const StoredSegment* SegmentLists::find_pages(std::uint64_t first_page, std::stop_token stop) {
    // Lists are in page order, and each knows its first page.
    const auto after = std::upper_bound(
        stream_.lists.begin(), stream_.lists.end(), first_page,
        [](std::uint64_t page, const SegmentListRef& ref) { return page < ref.first_page; });
    if (after == stream_.lists.begin()) {
        return nullptr;
    }
    const auto index = static_cast<std::size_t>(after - stream_.lists.begin()) - 1;
    const std::vector<StoredSegment>& segments = list(index, std::move(stop));
    const auto found = std::lower_bound(segments.begin(), segments.end(), first_page,
                                        [](const StoredSegment& segment, std::uint64_t page) {
                                            return segment.range.first_page < page;
                                        });
    return found != segments.end() && found->range.first_page == first_page ? &*found : nullptr;
}

const StoredSegment* SegmentLists::find_rows(const std::string& lower, std::stop_token stop) {
    const auto in_list = [&](std::size_t index) -> const StoredSegment* {
        const std::vector<StoredSegment>& segments = list(index, stop);
        const auto found = std::ranges::find_if(segments, [&lower](const StoredSegment& segment) {
            return segment.range.lower == lower;
        });
        return found == segments.end() ? nullptr : &*found;
    };
    const std::hash<std::string> hash;
    for (auto [noted, end] = lists_by_key_.equal_range(hash(lower)); noted != end; ++noted) {
        if (const StoredSegment* const found = in_list(noted->second)) {
            return found;
        }
    }
    while (noted_lists_ < count()) {
        const std::size_t index = noted_lists_;
        for (const StoredSegment& segment : list(index, stop)) {
            lists_by_key_.emplace(hash(segment.range.lower), index);
        }
        ++noted_lists_;
        if (const StoredSegment* const found = in_list(index)) {
            return found;
        }
    }
    return nullptr;
}

}  // namespace dbbackup
