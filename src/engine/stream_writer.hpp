#pragma once

/// @file
/// Writes one stream of a snapshot: reads, patches or takes over its segments, and puts what comes
/// out of the sealing stage into segment lists.
///
/// Data path: segments (reuse | read | patch) -> chunker -> sealing stage -> [segment lists].

#include "base/error.hpp"
#include "connector/connector.hpp"
#include "engine/backup_run.hpp"
#include "engine/sealing_stage.hpp"
#include "engine/segment_list_writer.hpp"

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// One stream. Several readers may write its segments at once. There may be very many streams, so
/// it has no threads, and lets go of what it needs no more when its last segment was taken.
class StreamWriter final : public SealedSegments {
public:
    /// @param parent The same stream of the parent, or null. Borrowed.
    /// @param stage Outlived by this object, or drained before it goes.
    StreamWriter(BackupRun& run, SealingStage& stage, StreamPlan plan, const StreamContents* parent,
                 std::stop_token stop);

    [[nodiscard]] std::size_t segment_count() const noexcept { return segment_count_; }

    /// Takes over, reads or patches one planned segment. Each segment once, on any thread.
    /// @param index Of the segment in the plan.
    /// @param stop The reader's own.
    /// @return How many chunks the segment has.
    std::size_t write(Session& session, std::size_t index, const std::stop_token& stop);

    /// For the sealing stage: puts the segments into lists, in the order of the plan.
    void take(std::size_t index, StoredSegment segment) override;

    /// Where each view has notes of its own: those on the view of this stream.
    void set_state(std::string state) { contents_.state = std::move(state); }

    /// @pre The stage was drained after the last segment was written, and then
    /// SnapshotWriter::flush was called. Stores what lists are left (those that are small stay in
    /// the manifest) and returns the stream. Once.
    [[nodiscard]] StreamContents finish();

private:
    /// The parent's segment that begins like `range`.
    [[nodiscard]] std::optional<StoredSegment> find_base(const SegmentRange& range,
                                                         const std::stop_token& stop);
    /// Tells, once for each stream, that the parent cannot serve as it should.
    void note_parent_damage(const std::string& what, const CorruptionError& error);
    /// The connector had planned to skip what is read now.
    void note_fallback();
    /// Takes over the parent's segment. Returns false when it may not be referred to.
    [[nodiscard]] bool reuse(const StoredSegment& base, SegmentFeed& feed);
    /// Returns false when the parent's bytes cannot be read: then the segment must be.
    [[nodiscard]] bool patch(Session& session, const SegmentPlan& segment,
                             const StoredSegment& base, SegmentFeed& feed,
                             const std::stop_token& stop);
    /// Reads opaque bytes, which are stored as several segments.
    [[nodiscard]] std::size_t write_opaque(Session& session, std::size_t index,
                                           const std::stop_token& stop);
    void add_next();
    void add_waiting();
    void end();

    /// For the sealing stage: takes the parts of segments of opaque bytes.
    class Parts final : public SealedSegments {
    public:
        explicit Parts(StreamWriter& writer) : writer_(writer) {}
        void take(std::size_t index, StoredSegment segment) override;

    private:
        StreamWriter& writer_;
    };

    BackupRun& run_;
    SealingStage& stage_;
    StreamPlan plan_;
    std::size_t segment_count_;
    std::stop_token stop_;
    SealCounts counts_;
    Parts parts_{*this};

    std::mutex parent_mutex_;             ///< Of `parent_`, which holds one list at a time.
    std::optional<SegmentLists> parent_;  ///< None: there is none in the same form.
    std::atomic<bool> is_parent_damaged_ = false;

    // Only the stage comes here until it was drained.
    StreamContents contents_;
    SegmentListWriter lists_;  ///< Uses `parent_`.
    /// What is stored of a planned segment, which waits for one that comes before it.
    struct Waiting {
        std::vector<StoredSegment> parts;
        bool has_parts = false;  ///< More than one: an empty one tells that there are no more.
        bool is_whole = false;
    };
    std::map<std::size_t, Waiting> waiting_;
    std::size_t next_ = 0;  ///< The next segment of the lists.
};

}  // namespace dbbackup
