#pragma once

/// @file
/// Which parent a backup has: full, incremental and differential as one pure function.

#include "repository/snapshot.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// What will be taken, and against what.
struct Strategy {
    BackupMode mode = BackupMode::full;
    std::optional<SnapshotSummary> parent;  ///< None: a full.
    std::uint64_t sequence = 1;             ///< Of the new snapshot.
    std::optional<SnapshotSummary> predecessor;
    std::string reason;  ///< Why the mode is not the one asked for; empty if it is.
};

/// @param snapshots Of this one source, by sequence.
/// - full: no parent
/// - incremental: the newest snapshot
/// - differential: the newest full
/// Without such a parent a full is taken, and the reason says so.
[[nodiscard]] Strategy choose_strategy(BackupMode requested,
                                       const std::vector<SnapshotSummary>& snapshots);

}  // namespace dbbackup
