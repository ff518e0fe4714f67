#pragma once

/// @file
/// Segment lists: which chunk copies make up each segment of a stream, with all locations.
///
/// A list is stored as a chunk of its own (or inside a small manifest), so that a snapshot of 10 TB
/// has a small manifest, equal lists are stored once, and a page is found without the rest.

#include "connector/connector.hpp"
#include "repository/chunk_copy.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dbbackup {

/// One segment as a snapshot holds it.
struct StoredSegment {
    SegmentRange range;
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;
    Fingerprint fingerprint;
    std::uint64_t read_sequence = 0;   ///< The snapshot in which it was last read from the source.
    std::vector<ChunkCopyPtr> chunks;  ///< In stream order.
};

/// A list is closed when its segments have so many chunks: at places that do not depend on how
/// often a segment changed, so that equal parts of two snapshots give equal lists, and the others
/// bases.
inline constexpr std::size_t kListChunksMax = 1024;
/// Or when they refer to this many copies (with their closures), near 2 MiB, so that a list never
/// outgrows a chunk.
inline constexpr std::size_t kListCopiesMax = 32768;

/// Copies that the closure of `segment` has; an upper bound on what it adds to a list.
[[nodiscard]] std::size_t closure_size(const StoredSegment& segment);

/// Whether every pack that the list refers to has its name.
[[nodiscard]] bool is_fully_stored(const std::vector<StoredSegment>& segments);

/// Calls `visit` for every copy of the closure, bases before what needs them, each once.
void visit_closure(const ChunkCopyPtr& copy, const std::function<void(const ChunkCopy&)>& visit);

/// @pre is_fully_stored(segments)
[[nodiscard]] std::string encode_chunk_list(const std::vector<StoredSegment>& segments);
/// @throws CorruptionError.
[[nodiscard]] std::vector<StoredSegment> decode_chunk_list(BytesView record);

}  // namespace dbbackup
