#pragma once

/// @file
/// The threads that seal the chunks of a run: one set for all its streams, whoever reads them.
///
/// Data path: chunker -> [sealing stage: sealers] -> packer, and the sealed segments -> stream
/// writer.

#include "engine/backup_run.hpp"
#include "engine/expected_items.hpp"
#include "pipeline/ordered_workers.hpp"
#include "pipeline/sealer.hpp"
#include "repository/chunk_list.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Takes the segments of one stream when all their chunks are sealed. Called by one thread at a
/// time, for all streams of a stage together.
class SealedSegments {
public:
    SealedSegments(const SealedSegments&) = delete;
    SealedSegments& operator=(const SealedSegments&) = delete;
    virtual ~SealedSegments() = default;

    /// @param index Of the segment in its stream. They come in the order in which their ends were
    /// pushed.
    virtual void take(std::size_t index, StoredSegment segment) = 0;

protected:
    SealedSegments() = default;
};

/// One for each run. Several readers may push at once; the chunks of each segment stay in order.
class SealingStage {
public:
    /// @param has_parent Whether deltas may be made.
    SealingStage(BackupRun& run, bool has_parent, std::stop_token stop);
    /// Drops what waits and joins. Whoever takes segments lives until then.
    ~SealingStage();
    SealingStage(const SealingStage&) = delete;
    SealingStage& operator=(const SealingStage&) = delete;

    /// Waits until all that was pushed is sealed and taken. More may be pushed afterwards.
    /// @pre Nobody pushes meanwhile. @throws What sealing or taking threw first; Cancelled.
    void drain();
    /// Nothing more is sealed; whoever pushes, or waits to, gets Cancelled.
    void give_up();

private:
    friend class SegmentFeed;

    /// A segment of which chunks are on their way.
    struct Segment {
        SealedSegments& to;
        std::size_t index;
        SealCounts& counts;
        std::vector<ChunkCopyPtr> chunks = {};  ///< Of those taken.
    };
    /// A chunk to seal, a chunk that is stored already, or the end of a segment (with its chunks
    /// when it is taken over whole).
    struct Item {
        std::shared_ptr<Segment> segment;  ///< Shared by all its items: the last one ends it.
        std::optional<ChunkToSeal> chunk = {};
        ChunkCopyPtr known = {};
        std::optional<StoredSegment> end = {};
        std::optional<NamedChunk> name = {};  ///< Of `chunk`, where it was named before.
        std::uint64_t read_bytes = 0;         ///< Of a chunk that turned out to be known.
    };
    struct Sealed {
        std::shared_ptr<Segment> segment;
        ChunkCopyPtr chunk;
        std::uint64_t bytes = 0;
        std::optional<StoredSegment> end = {};
    };

    void push(Item item);
    [[nodiscard]] static std::uint64_t bytes_of(const Item& item);
    [[nodiscard]] Item name(Item item, unsigned worker);
    void expect(Item item);
    [[nodiscard]] Sealed seal(Item item, unsigned worker);
    void deliver(Sealed sealed);

    BackupRun& run_;
    std::vector<std::unique_ptr<Sealer>> sealers_;
    std::unique_ptr<OrderedWorkers<Item, Sealed>> workers_;  ///< Uses all of the above.
    /// Where deltas may need what has to be fetched: chunks are named by a stage of its own first,
    /// and the bases of many are fetched together. Null elsewhere. Last: they push into `workers_`.
    std::unique_ptr<ExpectedItems<Item>> expected_;
    std::unique_ptr<OrderedWorkers<Item, Item>> namers_;
};

/// Puts one segment into a stage, piece by piece, in stream order. For one thread. A segment whose
/// end was never pushed is forgotten.
class SegmentFeed {
public:
    /// @param index Of the segment in its stream.
    /// @param counts Of its stream. @param stop The reader's own: the stage goes on without it.
    SegmentFeed(SealingStage& stage, SealedSegments& to, std::size_t index, SealCounts& counts,
                std::stop_token stop);

    /// Each waits while the stage is full. @throws What sealing threw first; Cancelled.
    void push_chunk(ChunkToSeal chunk);
    void push_known(ChunkCopyPtr chunk);
    /// @param segment With its chunks if it is taken over whole, else without: then its chunks are
    /// those pushed before. Nothing may follow.
    void push_end(StoredSegment segment);

    /// How many the segment has so far.
    [[nodiscard]] std::size_t chunks() const noexcept { return chunks_; }

private:
    void push(SealingStage::Item item);
    void count_reused(std::size_t chunks);

    SealingStage& stage_;
    std::shared_ptr<SealingStage::Segment> segment_;  ///< Shared with what is on its way.
    std::stop_token stop_;
    std::size_t chunks_ = 0;
};

}  // namespace dbbackup
