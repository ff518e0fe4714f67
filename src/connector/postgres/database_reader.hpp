#pragma once

/// @file
/// One database of a backup: its schema as pg_dump tells it, the rows of each table in ranges of
/// blocks, large objects, and the values of its sequences.
///
/// Data path: view -> [database reader] -> session -> engine.

#include "connector/connector.hpp"
#include "connector/postgres/backup_choice.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/counted_rows.hpp"
#include "connector/postgres/early_output.hpp"
#include "connector/postgres/reuse.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/view.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

namespace dbbackup::postgres {

/// Holds a view as long as it lives. `read` may be called by several threads; all else by one.
class DatabaseReader {
public:
    /// @param info Of the database.
    /// @param choice Which tables' rows are wanted. Borrowed.
    /// @param request Its parent is that of this database. @param tools Finds pg_dump. Borrowed.
    /// @throws SourceError as `View`.
    DatabaseReader(ConnectionInfo info, std::chrono::milliseconds lock_timeout,
                   const BackupChoice& choice, const BackupRequest& request, ToolFinder& tools,
                   std::stop_token stop);

    /// As the server calls it.
    [[nodiscard]] const std::string& name() const { return properties_.name; }

    /// Begins what runs beside everything else, before it is read. On the view's thread.
    void begin();
    /// These are as of `Session`.
    [[nodiscard]] std::vector<StreamPlan> plan(std::stop_token stop);
    [[nodiscard]] Capture capture() const { return reuse_.capture(); }
    [[nodiscard]] const std::string& reason() const { return reuse_.reason(); }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop);
    [[nodiscard]] SessionEnd finish(std::stop_token stop);

private:
    /// The tables whose rows are read. Those that were not wanted are named in `schema`.
    [[nodiscard]] std::vector<const Table*> wanted_tables(SchemaDefinition& schema);
    void read_rows(const Table& table, const SegmentRange& range, SegmentSink& sink,
                   std::stop_token stop);
    /// One connection's try at it; what `rows` has given is not given again.
    /// @return false when the connection was lost: another one may have more luck.
    [[nodiscard]] bool read_by_another(const Table& table, const std::string& copy,
                                       CountedRows& rows, const std::stop_token& stop, int left);
    void dump_schema(int server_major, const EarlyOutput::Take& take, const std::stop_token& stop);
    void read_schema(SegmentSink& sink, const std::stop_token& stop);
    /// What is neither a table nor the schema.
    void read_special(const StreamPlan& stream, SegmentSink& sink, const std::stop_token& stop);
    [[nodiscard]] bool has_large_objects();
    /// Who keeps us from a lock.
    [[nodiscard]] std::string others_locks(const std::stop_token& stop) const;
    /// @param warning "" is none.
    void warn(std::string warning);
    void read_sequences(SegmentSink& sink);
    /// The rows of a COPY of the leader's.
    void read_copy(const std::string& copy, SegmentSink& sink);

    ConnectionInfo info_;
    std::chrono::milliseconds lock_timeout_;
    const BackupChoice& choice_;
    ToolFinder& tools_;
    View view_;
    DatabaseProperties properties_;
    Reuse reuse_;
    std::unordered_map<std::string, const Table*> tables_;  ///< By the names of their streams.
    std::mutex leader_mutex_;
    std::atomic<std::uint64_t> bytes_read_{0};
    std::mutex warnings_mutex_;
    std::vector<std::string> warnings_;
    bool is_incomplete_ = false;
    std::optional<EarlyOutput> schema_;  ///< Last: it needs the view.
};

}  // namespace dbbackup::postgres
