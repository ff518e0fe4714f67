#pragma once

/// @file
/// Copies snapshots from one repository to another: of another store, another key, another
/// compression. Only what is missing there, by the same writing rules as a backup
/// (docs/protocol.md), so that it can be interrupted and repeated.
///
/// Data path: storage -> unpacker -> [copy] -> packer -> storage.

#include "engine/backup.hpp"
#include "repository/repository.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

struct CopyOptions {
    /// Nothing: chunks keep the form that they have at the source.
    std::optional<Compression> compression;
    unsigned jobs = 2;
    bool is_dry_run = false;
};

/// What became of one snapshot.
struct CopiedSnapshot {
    SnapshotSummary source;
    /// As it is at the target; nothing in a dry run, and when it failed.
    std::optional<SnapshotSummary> target;
    bool was_there = false;
    std::string failure;  ///< Why it was left out; empty if it was not.
};

struct CopyReport {
    std::vector<CopiedSnapshot> snapshots;  ///< In the order in which they were copied.
    std::uint64_t bytes_fetched = 0;        ///< From the source's packs.
    double duration_s = 0;
};

/// Copies these snapshots, oldest first. One that is damaged at the source is left out, and the
/// report says why; it never stands at the target.
///
/// A delta keeps its payload when its bases are at the target; no base is copied only for that.
/// @param snapshots Of `source`.
/// @throws ConfigError (code "source_name_taken", "same_repository"), StorageError,
/// RepositoryError, Cancelled: what was copied until then stays.
[[nodiscard]] CopyReport copy_snapshots(Repository& source, Repository& target,
                                        std::vector<SnapshotSummary> snapshots,
                                        const CopyOptions& options, const Context& context,
                                        std::stop_token stop);

}  // namespace dbbackup
