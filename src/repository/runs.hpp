#pragma once

/// @file
/// Runs as others see them: which are open, when they last showed life, and giving them up.

#include "repository/collector_records.hpp"
#include "repository/keys.hpp"
#include "storage/storage.hpp"
#include "sys/process_identity.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// A run that has begun and whose outcome may or may not stand.
struct KnownRun {
    RunId id;
    std::string kind;  ///< "backup", "copy", "collection", "pin".
    ObjectName outcome{"none"};
    std::string host;
    ProcessIdentity process;
    std::chrono::sys_seconds seen_at;  ///< The newest sign of life, by the storage's clock.
    std::uint64_t newest_sign = 0;     ///< Its number.
    std::vector<ObjectName> objects;   ///< `runs/<run>/*`
    bool is_decided = false;           ///< Its outcome or a tombstone stands, or stood.

    [[nodiscard]] bool is_collection() const { return kind == kCollectionKind; }
};

/// Lists `runs/` once, and looks for the outcome of each.
/// @param records Read before: a run whose manifest a collector removed is decided.
/// @throws CorruptionError when nothing of a run can be read, because then nobody knows what it
/// may still commit.
[[nodiscard]] std::vector<KnownRun> list_runs(Storage& storage, const Keys& keys,
                                              const CollectorRecords& records,
                                              std::stop_token stop);

/// Whether the outcome or a tombstone stands by now.
[[nodiscard]] bool is_decided_now(Storage& storage, const KnownRun& run, std::stop_token stop);

/// Puts a tombstone in the place of the run's outcome, unless something stands there already.
void give_up(Storage& storage, const Keys& keys, const KnownRun& run, const RunId& by,
             const std::string& reason, std::stop_token stop);

}  // namespace dbbackup
