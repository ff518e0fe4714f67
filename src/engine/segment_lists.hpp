#pragma once

/// @file
/// The segments of one stored stream: walked in order, or looked up by range.

#include "repository/chunk_reader.hpp"
#include "repository/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

namespace dbbackup {

/// Holds one decoded list at a time, and of rows a few words for each segment looked at. Not
/// thread-safe.
class SegmentLists {
public:
    /// @param stream Borrowed.
    SegmentLists(const StreamContents& stream, ChunkReader& reader);

    [[nodiscard]] std::size_t count() const noexcept;
    /// One list; decoded when it is not the last one asked for. @throws CorruptionError.
    [[nodiscard]] const std::vector<StoredSegment>& list(std::size_t index, std::stop_token stop);
    /// All lists will be asked for, in order.
    void expect();
    /// The chunk that holds a list, or null when the manifest holds it.
    [[nodiscard]] ChunkCopyPtr list_chunk(std::size_t index) const;

    /// The segment that begins at the same page or with the same key. Null when there is none.
    /// Valid until another list is asked for. Each list is decoded once if the segments are asked
    /// for in order, whatever else is asked for that is not there.
    [[nodiscard]] const StoredSegment* find(const SegmentRange& range, StreamKind kind,
                                            std::stop_token stop);

    /// Lets go of what was decoded.
    void forget();

private:
    [[nodiscard]] const StoredSegment* find_pages(std::uint64_t first_page, std::stop_token stop);
    [[nodiscard]] const StoredSegment* find_rows(const std::string& lower, std::stop_token stop);

    const StreamContents& stream_;
    ChunkReader& reader_;
    std::optional<std::size_t> decoded_index_;
    std::vector<StoredSegment> decoded_;
    /// Rows: in which list a segment may be that begins with a key of this hash. Of the first
    /// `noted_lists_` lists.
    std::unordered_multimap<std::size_t, std::size_t> lists_by_key_;
    std::size_t noted_lists_ = 0;
};

}  // namespace dbbackup
