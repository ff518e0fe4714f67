#pragma once

/// @file
/// The segments of one stored stream: walked in order, or looked up by range.

#include "repository/chunk_reader.hpp"
#include "repository/manifest.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Holds one decoded list at a time: memory does not depend on the size of the stream. Not
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

    /// Pages: the segment that begins at the same page; else the one of exactly this range. Null
    /// when there is none. Valid until another list is asked for.
    [[nodiscard]] const StoredSegment* find(const SegmentRange& range, StreamKind kind,
                                            std::stop_token stop);

    /// Lets go of the decoded list.
    void forget();

private:
    const StreamContents& stream_;
    ChunkReader& reader_;
    std::optional<std::size_t> decoded_index_;
    std::vector<StoredSegment> decoded_;
};

}  // namespace dbbackup
