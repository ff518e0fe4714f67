#pragma once

/// @file
/// What can be done for a damaged repository, and what is lost for good.
///
/// A repair only adds, so it is safe beside whatever else goes on: an index of packs that no index
/// names, and a record of packs that are damaged or gone (repository/damage_records.hpp). With that
/// record the next backup of the same data stores again what is lost, and with it the snapshots
/// that need it are whole again. Damaged objects stay until a prune removes them.

#include "engine/backup.hpp"
#include "engine/lost_ranges.hpp"
#include "engine/record_removal.hpp"
#include "engine/verify.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

struct RepairOptions {
    VerifyDepth depth = VerifyDepth::structure;
    unsigned jobs = 2;
    bool is_dry_run = false;
    /// What stops collectors is removed: markers that cannot be read, after their collections were
    /// given up; and records of damage that cannot be read, after a repair of the data wrote all
    /// that is damaged into a new one. Nothing else is ever removed.
    bool may_remove = false;
    /// Empty: really waits.
    Pause pause = {};
};

/// One snapshot that is not whole.
struct SnapshotLoss {
    SnapshotId snapshot;
    std::string source_name;   ///< Empty when its manifest cannot be read.
    bool is_readable = false;  ///< `restore --partial` gives what is not lost.
    std::uint64_t bytes_lost = 0;
    std::vector<LostRange> lost;        ///< Of streams of pages.
    std::vector<std::string> problems;  ///< "packs/ab/…: missing"
};

/// The fields of `repair --json`. Of a dry run: what would be done.
struct RepairReport {
    VerifyReport found;
    std::vector<std::string> recorded;  ///< Packs that are recorded as damaged now.
    std::vector<std::string> indexed;   ///< Packs that no index named.
    std::vector<std::string> removed;   ///< Objects.
    std::vector<SnapshotLoss> losses;
    /// Damaged objects for which nothing can be done here: a copy has to be put back.
    std::vector<std::string> beyond_repair;
    double duration_s = 0;
};

/// @throws RepositoryError (code "unknown_feature"; or, where something may be removed,
/// "unknown_object"), StorageError, Cancelled.
[[nodiscard]] RepairReport repair(Repository& repository, const RepairOptions& options,
                                  const Context& context, std::stop_token stop);

}  // namespace dbbackup
