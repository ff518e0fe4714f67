#include "engine/strategy.hpp"

#include <algorithm>

namespace dbbackup {

Strategy choose_strategy(BackupMode requested, const std::vector<SnapshotSummary>& snapshots) {
    Strategy strategy;
    if (!snapshots.empty()) {
        strategy.predecessor = snapshots.back();
        strategy.sequence = snapshots.back().sequence + 1;
    }
    if (requested == BackupMode::full) {
        return strategy;
    }
    const auto is_parent = [requested](const SnapshotSummary& snapshot) {
        return requested == BackupMode::incremental || snapshot.mode == BackupMode::full;
    };
    const auto parent = std::find_if(snapshots.rbegin(), snapshots.rend(), is_parent);
    if (parent == snapshots.rend()) {
        strategy.reason = snapshots.empty() ? "this is the first snapshot of the source"
                                            : "the source has no full snapshot";
        return strategy;
    }
    strategy.mode = requested;
    strategy.parent = *parent;
    return strategy;
}

}  // namespace dbbackup
