#pragma once

/// @file
/// Writes one stream of a snapshot: runs its segments through the sealers in order and puts what
/// comes out into segment lists.
///
/// Data path: segments (reuse | read | patch) -> chunker -> sealer -> packer.

#include "base/error.hpp"
#include "connector/connector.hpp"
#include "engine/backup.hpp"
#include "engine/expected_items.hpp"
#include "engine/segment_list_writer.hpp"
#include "pipeline/cutter.hpp"
#include "pipeline/ordered_workers.hpp"
#include "pipeline/sealer.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace dbbackup {

/// What one backup run shares between its streams. Borrowed.
struct BackupRun {
    Repository& repository;
    SnapshotWriter& writer;
    ChunkReader& reader;
    SealOptions seal_options;
    SealCounts& counts;
    unsigned jobs = 1;
    std::uint64_t sequence = 1;
    const Context& context;
    Fallback fallback = Fallback::allowed;
    /// What the snapshot shall say of what did not go as planned; one sentence each.
    std::vector<std::string> warnings = {};
    /// Why something was read that the connector had planned to skip; empty if nothing was.
    std::string fallback_reason = {};
};

/// How streams are cut. Pages: measured in docs/decisions/0003-zstd-parameters.md.
inline constexpr ChunkLimits kPageChunks{512_KiB, 2_MiB, 4_MiB};
inline constexpr ChunkLimits kRowChunks{256_KiB, 1_MiB, 4_MiB};

/// One stream. The engine's thread calls it; the sealers work on threads of their own.
class StreamWriter {
public:
    /// @param parent The same stream of the parent, or null. Borrowed.
    StreamWriter(BackupRun& run, const StreamPlan& plan, const StreamContents* parent,
                 std::stop_token stop);
    ~StreamWriter();
    StreamWriter(const StreamWriter&) = delete;
    StreamWriter& operator=(const StreamWriter&) = delete;

    /// Takes over, reads or patches one planned segment. Segments come in stream order.
    void write(Session& session, const SegmentPlan& segment);

    /// Waits until everything was sealed. Lists whose packs have no name yet stay pending.
    void finish_reading();
    /// @pre SnapshotWriter::flush was called after `finish_reading`. Stores what lists are left
    /// (those that are small stay in the manifest) and returns the stream.
    [[nodiscard]] StreamContents finish();

private:
    class Sink;
    struct Item;
    struct Sealed;

    /// @param parent The chunk of the parent's `segment` at the same place; both may be null.
    void push_chunk(Bytes content, ChunkCopyPtr parent, const StoredSegment* segment);
    void push_known(ChunkCopyPtr chunk);
    void push_end(StoredSegment segment);
    /// Forgets what was pushed of the segment that has not ended yet.
    void push_restart();
    void push(Item item, std::uint64_t bytes);
    [[nodiscard]] Item name(Item item, unsigned worker);
    void expect(Item item);
    [[nodiscard]] Sealed seal(Item item, unsigned worker);
    void deliver(Sealed sealed);
    /// The parent's segment that begins like `range`, or null.
    [[nodiscard]] const StoredSegment* find_base(const SegmentRange& range);
    /// Tells, once for each stream, that the parent cannot serve as it should.
    void note_parent_damage(const std::string& what, const CorruptionError& error);
    /// Takes over the parent's segment. Returns false when it may not be referred to.
    [[nodiscard]] bool reuse(const StoredSegment& base);
    /// Returns false when the parent's bytes cannot be read: then the segment must be.
    [[nodiscard]] bool patch(Session& session, const SegmentPlan& segment,
                             const StoredSegment& base);

    BackupRun& run_;
    const StreamPlan& plan_;
    std::stop_token stop_;
    std::optional<SegmentLists> parent_;
    bool is_parent_damaged_ = false;  ///< A list of it could not be read.

    StreamContents contents_;
    std::vector<ChunkCopyPtr> chunks_;  ///< Of the segment being delivered.
    SegmentListWriter lists_;           ///< Uses `parent_`.

    std::vector<std::unique_ptr<Sealer>> sealers_;
    std::unique_ptr<OrderedWorkers<Item, Sealed>> workers_;  ///< Uses all of the above.
    /// Where deltas may need what has to be fetched: chunks are named by a stage of its own first,
    /// and the bases of many are fetched together. Null elsewhere. Last: they push into `workers_`.
    std::unique_ptr<ExpectedItems<Item>> expected_;
    std::unique_ptr<OrderedWorkers<Item, Item>> namers_;
};

}  // namespace dbbackup
