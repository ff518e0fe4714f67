#pragma once

/// @file
/// A backup of one PostgreSQL database: its schema as pg_dump tells it, the rows of each table in
/// ranges of blocks, the values of its sequences, and the server's roles.
///
/// Data path: view -> [session] -> engine.

#include "connector/connector.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/notes.hpp"
#include "connector/postgres/row_batch.hpp"
#include "connector/postgres/tracking.hpp"
#include "connector/postgres/view.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace dbbackup::postgres {

/// The names of what is not rows of a table (`special_stream_name`).
inline constexpr const char* kRolesStream = "roles";
inline constexpr const char* kSchemaStream = "schema";
inline constexpr const char* kSequencesStream = "sequences";

class PostgresSession final : public Session {
public:
    /// @param info Borrowed.
    PostgresSession(const ConnectionInfo& info, const SourceOptions& options,
                    const BackupRequest& request, std::stop_token stop);

    std::vector<StreamPlan> plan() override;
    [[nodiscard]] Capture capture() const override { return capture_; }
    [[nodiscard]] std::string reason() const override { return reason_; }
    [[nodiscard]] unsigned readers_max() const override { return jobs_; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;

private:
    /// What changed since the parent; nothing where it cannot be told, and `reason_` says why.
    [[nodiscard]] std::optional<ChangedBlocks> changes(std::stop_token stop);
    void reuse_unchanged(const Table& table, const ChangedBlocks& changed, StreamPlan& plan);
    [[nodiscard]] bool is_quiet();
    [[nodiscard]] std::optional<TrackingMark> mark(std::stop_token stop);

    void read_rows(const Table& table, const SegmentRange& range, SegmentSink& sink,
                   std::stop_token stop);
    /// One connection's try at it; what `batch` has is not given again.
    /// @return false when the connection was lost: another one may have more luck.
    [[nodiscard]] bool read_by_another(const Table& table, const std::string& copy, RowBatch& batch,
                                       const std::stop_token& stop, int left);
    void read_schema(SegmentSink& sink, std::stop_token stop);
    void read_roles(SegmentSink& sink, std::stop_token stop);
    void read_sequences(SegmentSink& sink);
    /// The rows of a COPY of the leader's.
    void read_copy(const std::string& copy, SegmentSink& sink);

    const ConnectionInfo& info_;
    unsigned jobs_;
    std::optional<Parent> parent_;  ///< Nothing where all is to be read.
    std::optional<TrackingMark> parent_mark_;
    std::unordered_map<std::string_view, const ParentStream*> parent_streams_;
    Capture capture_ = Capture::full;
    bool has_changes_ = false;  ///< A tracked table has segments that changed.
    std::string reason_;
    View view_;
    std::unique_ptr<Connection> beside_;  ///< Outside of the view's transaction; 17 and later.
    DatabaseProperties properties_;
    std::unordered_map<std::string, const Table*> tables_;  ///< By the names of their streams.
    std::mutex leader_mutex_;
    std::atomic<std::uint64_t> bytes_read_{0};
    std::mutex warnings_mutex_;
    std::vector<std::string> warnings_;
    bool is_incomplete_ = false;
};

}  // namespace dbbackup::postgres
