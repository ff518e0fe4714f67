#pragma once

/// @file
/// Where a segment's bytes are cut into chunks.
///
/// Data path: connector -> [cutter] -> sealer -> packer -> storage.
///
/// Pages are cut at fixed, aligned places, so that a changed page changes one chunk and the chunk
/// at the same place in the parent is its delta base. Rows are cut between rows. Opaque bytes are
/// cut where the content says so (FastCDC), so that an insertion moves one or two cuts, not all.

#include "base/bytes.hpp"
#include "base/units.hpp"

#include <cstdint>
#include <functional>
#include <span>

namespace dbbackup {

/// Bounds on the size of one chunk, in plain bytes.
struct ChunkLimits {
    std::uint32_t bytes_min = 256_KiB;
    std::uint32_t bytes_target = 1_MiB;  ///< A power of two.
    std::uint32_t bytes_max = 4_MiB;
};

/// Called with each finished chunk's bytes.
using ChunkVisitor = std::function<void(Bytes chunk)>;

/// Collects bytes and cuts. One per segment; not thread-safe. The same calls in other portions
/// give the same chunks.
class Cutter {
public:
    Cutter(ChunkLimits limits, ChunkVisitor visit);

    /// Whole pages; cut every `bytes_target` bytes.
    void add_pages(BytesView bytes);
    /// Whole rows, cut at the first row end at or after the target; a single row larger than
    /// `bytes_max` is cut inside, since a chunk cannot hold it.
    void add_rows(BytesView bytes, std::span<const std::uint32_t> row_ends);
    /// Takes bytes up to the next cut, or all of them. @return How many.
    /// Source: Xia et al., "FastCDC", USENIX ATC 2016, section 3 (normalised chunking, level 2).
    [[nodiscard]] std::size_t add_opaque(BytesView bytes);
    /// Gives what is left as the last chunk.
    void finish();

private:
    void append(BytesView bytes);
    void cut();

    ChunkLimits limits_;
    ChunkVisitor visit_;
    Bytes pending_;
    std::uint64_t rolling_ = 0;
};

}  // namespace dbbackup
