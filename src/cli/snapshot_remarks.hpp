#pragma once

/// @file
/// What is known of snapshots beside what they say themselves.

#include "cli/command_context.hpp"
#include "engine/snapshot_choice.hpp"
#include "repository/pins.hpp"
#include "repository/repository.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

struct SnapshotRemarks {
    std::set<SnapshotId> doubtful;             ///< As `doubtful_snapshots` gives them.
    std::map<SnapshotId, std::string> pinned;  ///< With the reasons.
};

/// Reads the pins of the repository.
[[nodiscard]] inline SnapshotRemarks read_remarks(Repository& repository,
                                                  const std::vector<SnapshotSummary>& snapshots,
                                                  const CommandContext& context) {
    return {doubtful_snapshots(snapshots),
            pin_reasons(read_pins(repository.storage(), repository.keys(), context.stop))};
}

}  // namespace dbbackup
