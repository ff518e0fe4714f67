#pragma once

/// @file
/// One line each for prunes of sample repositories, and what must hold after them.

#include "engine/prune.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

/// Keeps the newest `count` snapshots of each source.
[[nodiscard]] Retention keep_newest(std::size_t count);

/// Never really waits, and takes every run of an earlier call for dead unless it is in `living`:
/// in a test all runs are of one process. Seals nothing anew.
[[nodiscard]] PruneOptions sample_prune(Retention retention = {},
                                        const std::set<RunId>& living = {});
/// The same that seals anew as it does for users.
[[nodiscard]] PruneOptions compacting_prune(Retention retention = {},
                                            const std::set<RunId>& living = {});

/// Prunes through a repository object of its own, as a new process would.
PruneReport prune(Storage& storage, const PruneOptions& options, std::stop_token stop = {});

/// Names of all objects below a folder.
[[nodiscard]] std::vector<std::string> names_below(const MemoryStorage& disk,
                                                   const std::string& folder);

/// What no later prune would take away: nothing but packs that snapshots refer to, indexes,
/// manifests, and the collectors' records that stay. "" when it is so, else what is too much.
[[nodiscard]] std::string garbage(Storage& disk);

}  // namespace dbbackup
