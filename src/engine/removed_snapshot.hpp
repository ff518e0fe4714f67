#pragma once

/// @file
/// Whether what looks like damage is only that somebody removed the snapshot meanwhile.

#include "repository/repository.hpp"

#include <stop_token>

namespace dbbackup {

/// Asks the records of what was removed: a clean end is told from damage by them.
/// @throws RepositoryError (code "snapshot_removed") if it was; StorageError, Cancelled.
void throw_if_removed(Repository& repository, const SnapshotSummary& snapshot,
                      std::stop_token stop);

}  // namespace dbbackup
