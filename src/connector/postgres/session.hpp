#pragma once

/// @file
/// A backup of PostgreSQL: the server's roles, and one database, or several after one another. Each
/// is consistent in itself; PostgreSQL has no snapshot that spans them.
///
/// Data path: database set -> [one database reader after the other] -> engine.

#include "connector/connector.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/database_reader.hpp"
#include "connector/postgres/database_set.hpp"
#include "connector/postgres/early_output.hpp"
#include "connector/postgres/tools.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// `read` may be called by several threads; all else by one.
///
/// Where all databases are meant, one that cannot be read is given up as long as the server is
/// there: the others are worth having. Each one of a list was asked for, so there it is an error.
class PostgresSession final : public Session {
public:
    /// @param info Borrowed. @throws as `find_databases` and `clear_patterns`.
    PostgresSession(const ConnectionInfo& info, const SourceOptions& options, BackupRequest request,
                    std::stop_token stop);

    std::vector<StreamPlan> plan() override;
    [[nodiscard]] Capture capture() const override { return capture_; }
    [[nodiscard]] std::string reason() const override { return reason_; }
    [[nodiscard]] unsigned readers_max() const override { return jobs_; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;
    [[nodiscard]] std::size_t view_count() const override { return set_.names.size(); }
    void next_view() override;

private:
    [[nodiscard]] bool is_of_set() const { return server_ != nullptr; }
    [[nodiscard]] const std::string& name() const { return set_.names[index_]; }
    [[nodiscard]] bool is_in_parent() const;
    [[nodiscard]] BackupRequest request_for_database() const;
    [[nodiscard]] std::vector<StreamPlan> plan_database();
    void note_gone();
    void begin_roles();
    void read_roles(SegmentSink& sink, const std::stop_token& stop);
    /// Whether the server still has the database; nothing when it does not answer.
    [[nodiscard]] std::optional<bool> is_still_there();
    /// Calls `work` and, where all databases are meant, turns a `SourceError` into `ViewGivenUp`.
    template <class Work>
    auto or_give_up(const Work& work);

    const ConnectionInfo& info_;
    std::chrono::milliseconds lock_timeout_;
    BackupRequest request_;
    unsigned jobs_;
    std::stop_token stop_;
    std::mutex server_mutex_;
    std::unique_ptr<Connection> server_;  ///< Of a source that is several databases.
    DatabaseSet set_;
    std::size_t index_ = 0;
    ToolFinder tools_;
    std::unique_ptr<DatabaseReader> reader_;
    bool has_roles_ = false;     ///< They are in this view, or one before it.
    bool begins_roles_ = false;  ///< They are in this view.
    Position position_;          ///< Of the last view that was read to its end.
    Capture capture_;
    std::string reason_;
    std::atomic<std::uint64_t> bytes_read_{0};  ///< Of the roles.
    std::mutex warnings_mutex_;
    std::vector<std::string> warnings_;        ///< For the next end of a view.
    std::vector<std::string> roles_warnings_;  ///< Of the maker of `roles_`, until it ended.
    std::optional<EarlyOutput> roles_;         ///< Last: it uses the above.
};

}  // namespace dbbackup::postgres
