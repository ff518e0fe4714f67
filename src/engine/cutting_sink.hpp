#pragma once

/// @file
/// Takes what a connector gives of one segment, and cuts it.
///
/// Data path: connector -> [cutting sink: chunker] -> sealing stage.

#include "connector/connector.hpp"
#include "crypto/fingerprint.hpp"
#include "engine/sealing_stage.hpp"
#include "pipeline/cutter.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dbbackup {

/// How streams are cut. Pages: measured in docs/decisions/0003-zstd-parameters.md.
inline constexpr ChunkLimits kPageChunks{512_KiB, 2_MiB, 4_MiB};
inline constexpr ChunkLimits kRowChunks{256_KiB, 1_MiB, 4_MiB};

/// A segment of one chunk proves that chunk: then what its pages must add up to.
[[nodiscard]] std::optional<PagesProof> chunk_proof(const StoredSegment* segment, StreamKind kind);

/// Cuts, and sums up fingerprint, rows and bytes. For one thread.
class CuttingSink final : public SegmentSink {
public:
    /// @param parent The parent's segment at the same place, or null. Everything is borrowed.
    CuttingSink(SegmentFeed& feed, const Fingerprinter& fingerprinter, const StreamPlan& stream,
                const SegmentRange& range, std::uint64_t sequence, const StoredSegment* parent);

    /// @throws Error when the connector breaks its promises; else as `SegmentFeed`.
    void pages(std::uint64_t first, BytesView bytes) override;
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override;
    void opaque(BytesView bytes) override;
    /// Takes bytes up to the end of a chunk, or all. @return How many.
    [[nodiscard]] std::size_t opaque_until_cut(BytesView bytes);

    /// Gives what is left as the last chunk. @return The segment, without chunks.
    /// @throws Error when it does not have the pages that were planned.
    [[nodiscard]] StoredSegment finish();

private:
    void expect_kind(StreamKind kind) const;
    void push(Bytes content);
    /// What a delta of the segment's next chunk is made against, or null.
    [[nodiscard]] ChunkCopyPtr base_of(std::size_t bytes);

    SegmentFeed& feed_;
    const Fingerprinter& fingerprinter_;
    const StreamPlan& stream_;
    const StoredSegment* parent_;
    StoredSegment segment_;
    std::uint64_t next_page_ = 0;
    std::size_t base_ = 0;  ///< The first chunk of `parent_` that does not end before the next one.
    std::uint64_t base_begin_ = 0;  ///< Where it begins in the segment.
    Cutter cutter_;
};

}  // namespace dbbackup
