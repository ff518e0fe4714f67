#pragma once

/// @file
/// Removing snapshots, and the space that nothing needs any more (docs/protocol.md, "Collecting").

#include "engine/backup.hpp"
#include "repository/repository.hpp"
#include "repository/runs.hpp"
#include "storage/locked_objects.hpp"
#include "sys/scratch.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Whether one snapshot stays, and why.
struct SnapshotVerdict {
    SnapshotSummary snapshot;
    bool is_kept = true;
    std::string reason;
};

/// Why snapshots are pinned; one that is not here is not.
using PinReasons = std::map<SnapshotId, std::string>;

/// Decides about all snapshots of one source, which come by sequence. Must give the same answer for
/// the same snapshots and pins: it is asked several times. What is pinned stays in any case.
using Retention = std::function<std::vector<SnapshotVerdict>(
    const std::vector<SnapshotSummary>& of_source, const PinReasons& pins)>;

/// Whether the process of a run is known to have ended.
using IsDead = std::function<bool(const KnownRun&)>;

/// Waits, or returns early when the stop fires.
using Pause = std::function<void(std::chrono::milliseconds, std::stop_token)>;

/// How far packs with something that nobody uses are sealed anew without it.
struct CompactionLimits {
    /// So much of what is stored may be unused, as a part of all; from 1 on nothing is sealed anew.
    double unused_part_max = 0.05;
    /// At most so much is stored anew by one prune; nothing: as much as it takes.
    std::optional<std::uint64_t> bytes_max = {};
    /// What is kept only because something else is a delta on it goes, too: that is stored anew,
    /// whole or as a delta on something that is needed.
    bool rebases = false;
};

struct PruneOptions {
    Retention retention;                ///< Empty: keeps all.
    std::vector<SnapshotId> snapshots;  ///< Go whatever `retention` says, unless pinned.
    bool is_dry_run = false;            ///< Writes nothing at all.
    CompactionLimits compaction;
    /// How long to stay for runs that are still writing. Space that waits for them is freed by the
    /// next prune.
    std::chrono::milliseconds wait{0};
    /// A run without a sign of life for so long, by the storage's clock, is given up ...
    std::chrono::seconds give_up_after = std::chrono::hours(2);
    /// ... once this process has watched it for so long.
    std::chrono::milliseconds watch = std::chrono::minutes(5);
    /// Whether the process of a run is known to have ended. Empty: `has_ended`.
    IsDead is_dead;
    /// Empty: really waits.
    Pause pause;
    /// Where it is remembered when locks were made longer; nothing: nowhere.
    std::optional<std::filesystem::path> lock_folder = {};
    /// Tables about packs and chunks that take more are moved to files.
    std::uint64_t table_memory_bytes_max = ScratchSpace::kMemoryBytesMax;
};

/// What happened, or would happen.
struct PruneReport {
    std::vector<SnapshotVerdict> snapshots;
    std::uint64_t packs_removed = 0;
    std::uint64_t bytes_left = 0;       ///< In packs.
    std::uint64_t bytes_freed = 0;      ///< Less what was stored anew.
    std::uint64_t bytes_compacted = 0;  ///< Stored anew.
    /// What stays although nothing uses it, in packs with something that is used.
    std::uint64_t bytes_unused = 0;
    /// What stays only because something else is a delta on it.
    std::uint64_t bytes_only_bases = 0;
    /// There was no room to store more anew, or another trouble.
    bool is_compaction_cut_short = false;
    /// What goes when the runs in `waiting_for` have ended and prune runs again. Then nothing of
    /// this prune's own collection is removed yet, snapshots neither.
    std::uint64_t bytes_waiting = 0;
    std::vector<KnownRun> waiting_for;
    std::vector<RunId> given_up;
    LockedObjects locked;              ///< To be removed, but the store does not let go of it yet.
    std::uint64_t locks_extended = 0;  ///< Objects that are needed, whose locks would have ended.
    std::uint64_t leftovers_removed = 0;  ///< Objects of ended runs and earlier collections.
    /// Why packs stay that may be garbage: damage that hides what is needed.
    std::vector<std::string> problems;
    double duration_s = 0;
};

/// Removes what `options` say and what nothing needs.
/// @throws ConfigError (codes "snapshot_unknown", "snapshot_pinned"), RepositoryError (codes
/// "unknown_object", "unknown_feature"), CorruptionError when a collector's or run's record cannot
/// be read: then nothing was deleted; StorageError, Cancelled: the next prune begins again.
[[nodiscard]] PruneReport prune(Repository& repository, const PruneOptions& options,
                                const Context& context, std::stop_token stop);

}  // namespace dbbackup
