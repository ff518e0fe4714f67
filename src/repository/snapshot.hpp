#pragma once

/// @file
/// What a snapshot says about itself. The manifest record (records.proto) in plain C++, so that
/// nothing above the repository sees protobuf.

#include "connector/connector.hpp"
#include "repository/ids.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// Where a copied snapshot was first taken, and what it is called there.
struct SnapshotOrigin {
    std::string repository;  ///< Its id.
    SnapshotId snapshot;
    std::uint64_t sequence = 0;
};

/// The part of a manifest that `list` needs; read without the rest.
struct SnapshotSummary {
    SnapshotId id;
    SourceId source_id;
    std::string source_name;
    DatabaseType type = DatabaseType::sqlite;
    std::string identity;
    /// Parent's plus one; the order of snapshots. No clock decides it.
    std::uint64_t sequence = 0;
    BackupMode mode = BackupMode::full;            ///< What was taken.
    BackupMode requested_mode = BackupMode::full;  ///< What was asked for.
    std::optional<SnapshotId> parent;
    Time begun_at;
    Time ended_at;
    std::uint64_t bytes_source = 0;  ///< Size of what the snapshot describes.
    std::uint64_t bytes_read = 0;    ///< From the database.
    std::uint64_t bytes_added = 0;   ///< Written to storage by this run.
    std::uint64_t chunks_new = 0;
    std::uint64_t chunks_delta = 0;
    std::uint64_t chunks_reused = 0;
    std::optional<std::uint64_t> rows;  ///< Nothing where pages are stored.
    Capture capture = Capture::full;
    Consistency consistency = Consistency::view;
    bool is_incomplete = false;
    std::map<std::string, std::string> tags;  ///< Keys and values are UTF-8.
    /// Snapshots of this source that may hold older data than they say: a part that they skipped
    /// was found changed when this one was taken.
    std::vector<SnapshotId> doubtful;
    /// Of a copy from another repository: times, tags and what was read are then the original's.
    std::optional<SnapshotOrigin> origin;
};

/// What a run stored of one stream.
struct StoredCounts {
    std::uint64_t bytes = 0;  ///< Sealed, in packs.
    std::uint64_t chunks_new = 0;
    std::uint64_t chunks_delta = 0;
    std::uint64_t chunks_reused = 0;
    friend bool operator==(const StoredCounts&, const StoredCounts&) = default;
};

/// Everything else that people and restores need, without the chunks.
struct SnapshotDetails {
    SnapshotSummary summary;
    std::string method;  ///< "sqlite-auto", "pg-copy", …
    std::string reason;  ///< Why the capture or the mode is not what was asked for.
    std::string server_version;
    std::string program_version;
    std::string host;
    Position position;
    std::string connector_state;
    std::vector<std::string> warnings;
    /// The snapshot before this one, and the SHA-256 of its manifest object.
    std::optional<SnapshotId> predecessor;
    std::string predecessor_digest;
    std::vector<StoredStream> streams;
    std::vector<Consistency> stream_consistency;  ///< One for each stream.
    /// One for each stream; nothing in snapshots of programs that did not count by stream.
    std::vector<std::optional<StoredCounts>> stream_counts;
};

}  // namespace dbbackup
