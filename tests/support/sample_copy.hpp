#pragma once

/// @file
/// One line for what every test of `copy` does.

#include "engine/snapshot_copy.hpp"
#include "support/sample_backup.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace dbbackup {

/// Copies all snapshots (or only `which`) through repository objects of its own, as a new process
/// would.
inline CopyReport copy_between(Storage& from, Storage& to, const CopyOptions& options = {},
                               const std::vector<SnapshotId>& which = {}) {
    const std::unique_ptr<Repository> source = open_repository(from);
    const std::unique_ptr<Repository> target = open_repository(to);
    std::vector<SnapshotSummary> chosen = source->snapshots({});
    if (!which.empty()) {
        std::erase_if(chosen, [&which](const SnapshotSummary& each) {
            return std::find(which.begin(), which.end(), each.id) == which.end();
        });
    }
    SampleContext sample;
    return copy_snapshots(*source, *target, std::move(chosen), options, sample.context(), {});
}

}  // namespace dbbackup
