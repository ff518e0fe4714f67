#pragma once

/// @file
/// The order in which people read snapshots.

#include "repository/snapshot.hpp"

#include <vector>

namespace dbbackup {

/// Orders snapshots of all sources by time, newest last. Within a source the sequence numbers
/// decide, because clocks jump: a snapshot counts as taken no earlier than the one before it.
void sort_newest_last(std::vector<SnapshotSummary>& snapshots);

}  // namespace dbbackup
