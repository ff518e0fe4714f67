#pragma once

/// @file
/// Puts the segments of one stream into lists: those of a small stream stay in the manifest, the
/// others become chunks of their own.

#include "base/log.hpp"
#include "engine/segment_lists.hpp"
#include "pipeline/sealer.hpp"

#include <cstddef>
#include <optional>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// What a list is stored with. Borrowed.
struct ListStore {
    const Keys& keys;
    SnapshotWriter& writer;
    ChunkReader& reader;
    SealOptions seal_options;
    Log& log;
};

/// Not thread-safe. A list waits until all packs that it refers to have their names.
class SegmentListWriter {
public:
    /// @param parent The lists of the same stream of the parent, as bases; may be null. Borrowed.
    SegmentListWriter(ListStore store, const SegmentLists* parent, std::stop_token stop);

    /// The next segment in stream order.
    void add(StoredSegment segment);
    /// There are no more segments.
    void close();
    /// @pre `close` was called, and then SnapshotWriter::flush. Once.
    [[nodiscard]] std::vector<SegmentListRef> finish();

private:
    void close_list();
    void store_pending(bool all);
    [[nodiscard]] ChunkCopyPtr store(const std::vector<StoredSegment>& segments, std::size_t index);

    ListStore store_;
    const SegmentLists* parent_;
    std::stop_token stop_;
    std::vector<SegmentListRef> lists_;
    std::vector<StoredSegment> list_;  ///< The one being filled.
    std::size_t list_chunks_ = 0;
    std::size_t list_copies_ = 0;
    std::vector<std::size_t> pending_;  ///< Those of `lists_` that are not stored yet.
};

}  // namespace dbbackup
