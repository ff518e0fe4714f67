#pragma once

/// @file
/// One restore: from a snapshot to a target.
///
/// Data path: storage -> unpacker: fetch, decrypt, decompress, check -> connector.

#include "connector/connector.hpp"
#include "engine/backup.hpp"
#include "engine/lost_ranges.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

struct RestoreOptions {
    std::string target;
    Overwrite overwrite = Overwrite::no;
    bool verify = false;
    bool is_dry_run = false;
    bool is_partial = false;  ///< What is lost is left out, and named in the outcome.
    unsigned jobs = 2;
    bool keeps_owners = true;  ///< These three: see `RestoreRequest`.
    bool keeps_privileges = true;
    bool makes_roles = false;
    /// Which databases of a snapshot of several (database_choice.hpp), or which tables.
    Selection selection;
    /// Told of each of several databases once it is whole; may be empty.
    std::function<void(const std::string& database)> on_database = {};
};

/// The fields of `restore --json`.
struct RestoreOutcome {
    SnapshotSummary snapshot;
    RestorePlan plan;
    RestoreReport report;             ///< Empty for a dry run.
    std::uint64_t bytes_fetched = 0;  ///< Of packs, from the storage.
    /// Of a snapshot of several databases, those that are restored; else empty.
    std::vector<std::string> databases;
    bool is_of_tables = false;    ///< Chosen tables, not databases as they are.
    std::vector<LostRange> lost;  ///< Of a partial restore, what could not be had.
    double duration_s = 0;
};

/// Restores `snapshot`, or what is selected of it, through `connector`.
/// @throws ConfigError for the choice or the target, SourceError when writing it fails,
/// CorruptionError when stored bytes are damaged, RepositoryError (code "snapshot_removed") when
/// the snapshot was removed meanwhile, StorageError, Cancelled. A target that did not exist does
/// not exist then; of several databases, those that were restored before stay.
[[nodiscard]] RestoreOutcome restore(Repository& repository, const SnapshotId& snapshot,
                                     Connector& connector, const RestoreOptions& options,
                                     const Context& context, std::stop_token stop);

}  // namespace dbbackup
