#pragma once

/// @file
/// Opaque bytes come as one segment of any size. They are stored as several, each of as many chunks
/// as one list is made for, and cut where chunks are: so a dump of any size can be stored, and
/// nothing grows with it.
///
/// Data path: connector -> [opaque segments: chunker] -> sealing stage.

#include "engine/cutting_sink.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>

namespace dbbackup {

/// What the stored segments have in common. Borrowed.
struct OpaqueSetting {
    const Fingerprinter& fingerprinter;
    const StreamPlan& plan;
    const SegmentRange& range;  ///< That was planned.
    std::uint64_t sequence = 1;
    std::size_t chunks_max = 1;
};

/// The range of the stored segment with this number, from 0: the first begins as planned, the
/// others at their number.
[[nodiscard]] SegmentRange opaque_range(const SegmentRange& planned, std::size_t number);

/// For one thread.
class OpaqueSegments final : public SegmentSink {
public:
    /// The parent's segment that begins like a range.
    using FindBase = std::function<std::optional<StoredSegment>(const SegmentRange& range)>;

    /// @param to Gets the stored segments. @param end Gets an empty one after them.
    /// @param index Of the planned segment in its stream. Everything is borrowed; what gets
    /// segments until the stage was drained.
    OpaqueSegments(SealingStage& stage, SealedSegments& to, SealedSegments& end, std::size_t index,
                   SealCounts& counts, const OpaqueSetting& setting, FindBase find_base,
                   std::stop_token stop);

    /// @throws Error: the connector gave bytes of another kind than it planned.
    void pages(std::uint64_t first, BytesView bytes) override;
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override;
    /// @throws as `SegmentFeed`.
    void opaque(BytesView bytes) override;

    /// Ends the last one. @return How many chunks there were. Once.
    [[nodiscard]] std::size_t finish();

private:
    void begin();

    void end_segment();

    SealingStage& stage_;
    SealedSegments& to_;
    SealedSegments& end_;
    std::size_t index_;
    SealCounts& counts_;
    OpaqueSetting setting_;
    FindBase find_base_;
    std::stop_token stop_;
    std::size_t number_ = 0;  ///< Of segments that were begun.
    std::size_t chunks_ = 0;  ///< Of those that are full.
    // The stored segment that is being filled.
    SegmentRange range_;
    std::optional<StoredSegment> base_;
    std::optional<SegmentFeed> feed_;
    std::optional<CuttingSink> sink_;
};

}  // namespace dbbackup
