#pragma once

/// @file
/// A backup of PostgreSQL: the server's roles, and a database.
///
/// Data path: database reader -> [session] -> engine.

#include "connector/connector.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/database_reader.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace dbbackup::postgres {

class PostgresSession final : public Session {
public:
    /// @param info Borrowed.
    PostgresSession(const ConnectionInfo& info, const SourceOptions& options,
                    const BackupRequest& request, std::stop_token stop);

    std::vector<StreamPlan> plan() override;
    [[nodiscard]] Capture capture() const override { return reader_.capture(); }
    [[nodiscard]] std::string reason() const override { return reader_.reason(); }
    [[nodiscard]] unsigned readers_max() const override { return jobs_; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;

private:
    const ConnectionInfo& info_;
    unsigned jobs_;
    std::stop_token stop_;
    DatabaseReader reader_;
    std::atomic<std::uint64_t> bytes_read_{0};  ///< Of the roles.
    std::mutex warnings_mutex_;
    std::vector<std::string> warnings_;
};

}  // namespace dbbackup::postgres
