#include "cli/snapshot_order.hpp"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace dbbackup {

void sort_newest_last(std::vector<SnapshotSummary>& snapshots) {
    std::ranges::stable_sort(snapshots, {}, [](const SnapshotSummary& snapshot) {
        return std::tie(snapshot.source_id, snapshot.sequence);
    });
    struct Entry {
        Time counts_as;
        std::size_t index;
    };
    std::vector<Entry> entries;
    entries.reserve(snapshots.size());
    for (std::size_t index = 0; index < snapshots.size(); ++index) {
        const SnapshotSummary& snapshot = snapshots[index];
        const bool follows = index > 0 && snapshots[index - 1].source_id == snapshot.source_id;
        entries.push_back(
            {follows ? std::max(entries.back().counts_as, snapshot.begun_at) : snapshot.begun_at,
             index});
    }
    std::ranges::stable_sort(entries, {}, &Entry::counts_as);
    std::vector<SnapshotSummary> sorted;
    sorted.reserve(snapshots.size());
    for (const Entry& entry : entries) {
        sorted.push_back(std::move(snapshots[entry.index]));
    }
    snapshots = std::move(sorted);
}

}  // namespace dbbackup
