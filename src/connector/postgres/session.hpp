#pragma once

/// @file
/// A backup of one PostgreSQL database: its schema as pg_dump tells it, the rows of each table in
/// ranges of blocks, the values of its sequences, and the server's roles.
///
/// Data path: view -> [session] -> engine.

#include "connector/connector.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/view.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace dbbackup::postgres {

/// Of a segment: a MiB of the table, which gives about one chunk of rows. So the segment's
/// fingerprint proves its chunk, and a changed block costs the reading of one MiB.
inline constexpr std::uint64_t kSegmentBlocks = 128;

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
    [[nodiscard]] Capture capture() const override { return Capture::full; }
    [[nodiscard]] std::string reason() const override { return {}; }
    [[nodiscard]] unsigned readers_max() const override { return jobs_; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;

private:
    void read_rows(const Table& table, const SegmentRange& range, SegmentSink& sink,
                   std::stop_token stop);
    void read_schema(SegmentSink& sink, std::stop_token stop);
    void read_roles(SegmentSink& sink, std::stop_token stop);
    void read_sequences(SegmentSink& sink);

    const ConnectionInfo& info_;
    unsigned jobs_;
    View view_;
    DatabaseProperties properties_;
    std::unordered_map<std::string, const Table*> tables_;  ///< By the names of their streams.
    std::mutex leader_mutex_;
    std::atomic<std::uint64_t> bytes_read_{0};
    std::mutex warnings_mutex_;
    std::vector<std::string> warnings_;
    bool is_incomplete_ = false;
};

}  // namespace dbbackup::postgres
