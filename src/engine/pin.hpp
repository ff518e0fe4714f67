#pragma once

/// @file
/// Pinning snapshots, so that nothing removes them (docs/protocol.md, "Pins").

#include "engine/prune.hpp"

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>

namespace dbbackup {

struct PinOptions {
    std::string reason;
    /// How long to wait for a prune that is under way and may have decided about the snapshot.
    std::chrono::milliseconds wait{0};
    IsDead is_dead;  ///< Empty: by this machine's processes.
    Pause pause;     ///< Empty: really waits.
};

/// Pins `snapshot`: when this returns, no retention and no prune by name removes it any more. A
/// snapshot may have several pins.
/// @throws ConfigError (code "snapshot_unknown") when a prune has removed it; RepositoryError (code
/// "prune_running") when one is under way; CorruptionError, StorageError, Cancelled. Then it may be
/// pinned or not.
void pin(Repository& repository, const SnapshotSummary& snapshot, const PinOptions& options,
         const Context& context, std::stop_token stop);

/// Ends all pins of a snapshot. @return How many there were. @throws CorruptionError when an end
/// stands already and cannot be read; RepositoryError, StorageError, Cancelled.
std::size_t unpin(Repository& repository, const SnapshotId& snapshot, const Context& context,
                  std::stop_token stop);

}  // namespace dbbackup
