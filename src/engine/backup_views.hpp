#pragma once

/// @file
/// Reads a source: its consistent view, or several views one after the other, stream by stream.
///
/// Data path: connector -> [views] -> readers -> chunker -> sealing stage -> packer.

#include "connector/connector.hpp"
#include "engine/backup_preparation.hpp"
#include "engine/sample.hpp"
#include "engine/sealing_stage.hpp"
#include "engine/stream_writer.hpp"
#include "repository/manifest.hpp"

#include <exception>
#include <list>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dbbackup {

/// A part that would have been skipped is not what the parent holds: everything must be read.
class SkippedPartDiffers final : public std::exception {
public:
    explicit SkippedPartDiffers(Mismatch mismatch) : mismatch_(std::move(mismatch)) {}
    [[nodiscard]] const Mismatch& mismatch() const noexcept { return mismatch_; }
    [[nodiscard]] const char* what() const noexcept override { return "a skipped part differs"; }

private:
    Mismatch mismatch_;
};

/// Everything that was read of a source, not yet complete: lists of chunks may wait for their
/// packs.
class ReadViews {
public:
    /// @throws SkippedPartDiffers, SourceError, StorageError, Cancelled.
    ReadViews(Session& session, const Preparation& ready, BackupRun& run, std::stop_token stop);

    /// What the session knows, of all views together.
    [[nodiscard]] const SessionEnd& end() const { return end_; }
    /// @pre SnapshotWriter::flush was called since. Once.
    [[nodiscard]] std::vector<StreamContents> finish();

private:
    void read_view(Session& session, bool is_last);
    /// @return the segments that were planned.
    std::uint64_t check_skipped_parts(const std::vector<StreamPlan>& plans, Session& session);
    [[nodiscard]] const StreamContents* parent_stream(std::string_view name) const;
    /// Reads what was planned. The writers are in `view_streams_` then, all of it sealed.
    void read_streams(Session& session, std::vector<StreamPlan>& plans);
    void add(SessionEnd end);

    const Preparation& ready_;
    BackupRun& run_;
    std::stop_token stop_;
    bool has_several_;
    std::unordered_map<std::string_view, const StreamContents*> parent_streams_;
    std::uint64_t segments_expected_ = 0;  ///< Of all views, as far as the parent tells.
    std::uint64_t segments_planned_ = 0;
    SessionEnd end_;
    std::vector<std::string> given_up_;
    std::list<StreamWriter> streams_;       ///< Of the views that were read to their end.
    std::list<StreamWriter> view_streams_;  ///< Of the view of the moment.
    SealingStage stage_;                    ///< Last: it hands on to the streams.
};

/// A dry run: plans every view and reads none.
/// @param warnings What the views that cannot be had say.
[[nodiscard]] std::vector<SegmentAction> planned_actions(Session& session,
                                                         std::vector<std::string>& warnings);

}  // namespace dbbackup
