#pragma once

/// @file
/// Part of `copy`: one stream of a snapshot on its way to another repository.
///
/// Data path: storage -> [unpacker] -> stream copy: known there?, payload as it is or anew ->
/// packer -> storage.

#include "engine/backup.hpp"
#include "engine/expected_items.hpp"
#include "engine/segment_list_writer.hpp"
#include "pipeline/ordered_workers.hpp"
#include "pipeline/sealer.hpp"
#include "pipeline/whole_packer.hpp"
#include "repository/manifest.hpp"

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// What one copying run shares between its streams. Borrowed.
struct CopyRun {
    ChunkReader& source;
    Repository& target;
    ChunkReader& target_reader;
    SnapshotWriter& writer;
    HeldAs held_as = HeldAs::whole_or_delta;
    /// Nothing: whole chunks keep the form that they have.
    std::optional<Compression> compression;
    SealCounts& counts;
    unsigned jobs = 1;
    const Context& context;
};

/// The same stream in an earlier snapshot that was copied: as it is at the source, and as it is at
/// the target. Tells where a chunk's copy is without reading the chunk.
struct CopiedStream {
    const StreamContents* source = nullptr;
    const StreamContents* target = nullptr;
};

/// One stream. The engine's thread calls it; chunks are copied on threads of its own.
class StreamCopy {
public:
    /// @param stream Of the source. Borrowed.
    StreamCopy(CopyRun& run, const StreamContents& stream, const CopiedStream& known,
               std::stop_token stop);
    ~StreamCopy();
    StreamCopy(const StreamCopy&) = delete;
    StreamCopy& operator=(const StreamCopy&) = delete;

    /// Reads what is not known to be there, and stores what is not there.
    /// @throws CorruptionError when the source is damaged; StorageError, Cancelled.
    void copy();
    /// @pre `copy` returned, and then SnapshotWriter::flush. Once.
    [[nodiscard]] StreamContents finish();

private:
    struct Item;
    struct Copied;
    class Worker;

    void push(const StoredSegment& segment, ExpectedItems<Item>& items);
    void deliver(Copied copied);
    void add_rows(BytesView content);

    CopyRun& run_;
    const StreamContents& stream_;
    std::stop_token stop_;
    SegmentLists segments_;
    std::optional<SegmentLists> known_source_;
    std::optional<SegmentLists> known_target_;

    StreamContents contents_;
    SegmentListWriter lists_;           ///< Uses `known_target_`.
    std::vector<ChunkCopyPtr> chunks_;  ///< Of the segment being delivered.
    Fingerprint fingerprint_;           ///< Of what was read of it.
    Bytes row_;                         ///< The beginning of one that goes on in the next chunk.

    std::vector<std::unique_ptr<Worker>> workers_state_;
    std::unique_ptr<OrderedWorkers<Item, Copied>> workers_;  ///< Last: uses all of the above.
};

}  // namespace dbbackup
