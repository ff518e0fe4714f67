#pragma once

/// @file
/// Part of `prune`: what is still needed stays locked.

#include "engine/lock_passes.hpp"
#include "repository/collector_records.hpp"
#include "repository/repository.hpp"
#include "storage/locked_objects.hpp"
#include "storage/storage.hpp"

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Adds those of `objects` to `locked` of which the store says that they are locked: several at
/// once, one request for each. Nothing where the store locks nothing. @throws StorageError,
/// Cancelled.
void find_locked(Storage& storage, const std::vector<ObjectInfo>& objects, LockedObjects& locked,
                 std::stop_token stop);

/// Whether locks are only counted.
enum class LockChange : bool { count, extend };

/// Locks what lasts and no `removed` list names until `now` and the whole time that the store locks
/// new objects, where less than half of that is left: several at once, one request for each.
/// @return How many. Nothing where the store locks nothing.
/// @throws StorageError, Cancelled; then the next call begins anew.
[[nodiscard]] std::uint64_t extend_locks(Repository& repository, const CollectorRecords& records,
                                         LockPasses& passes, std::chrono::sys_seconds now,
                                         LockChange change, std::stop_token stop);

}  // namespace dbbackup
