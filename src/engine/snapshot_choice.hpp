#pragma once

/// @file
/// Which snapshot a person means: "latest", "latest~2", an id prefix or a time.

#include "repository/snapshot.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// Finds the snapshot that `text` names.
/// - "latest": the highest sequence number; "latest~N": N before it. Needs one source.
/// - a time ("2026-11-22", "2026-11-22 14:00", "2026-11-22 14:00:05+01:00"; `parse_time`): the
///   newest snapshot begun before the end of that day, minute or second.
/// - otherwise at least four digits of an id; unique.
/// @param source Only snapshots of the source of this name; empty: all.
/// @throws ConfigError: codes "snapshot_unknown", "snapshot_ambiguous", "source_ambiguous" (lists
/// the sources), "source_unknown".
[[nodiscard]] const SnapshotSummary& choose_snapshot(const std::vector<SnapshotSummary>& snapshots,
                                                     std::string_view text,
                                                     const std::optional<std::string>& source);

/// The same when some manifests can not be read: "latest", "latest~N" and a time must not quietly
/// mean an older snapshot than they say, so they are refused when a damaged manifest may be the
/// one meant. An id stays good.
/// @param damaged Names of damaged objects, as `Repository::snapshots` gives them.
/// @throws CorruptionError (code "manifest_damaged") then; what the other one throws.
[[nodiscard]] const SnapshotSummary& choose_snapshot(const std::vector<SnapshotSummary>& snapshots,
                                                     const std::vector<std::string>& damaged,
                                                     std::string_view text,
                                                     const std::optional<std::string>& source);

/// Those that carry all of `tags`.
[[nodiscard]] std::vector<SnapshotSummary> tagged_snapshots(
    const std::vector<SnapshotSummary>& snapshots, const std::map<std::string, std::string>& tags);

/// As `choose_snapshot` with `damaged`, from those that carry all of `tags`. @throws ConfigError
/// (code "snapshot_unknown") also when there are snapshots (of this source), but none with these
/// tags; not when one that is damaged may have them.
[[nodiscard]] SnapshotSummary choose_tagged_snapshot(
    const std::vector<SnapshotSummary>& snapshots, const std::vector<std::string>& damaged,
    std::string_view text, const std::optional<std::string>& source,
    const std::map<std::string, std::string>& tags);

/// Those that a later snapshot found to hold, perhaps, older data than they say
/// (`SnapshotSummary::doubtful`).
[[nodiscard]] std::set<SnapshotId> doubtful_snapshots(
    const std::vector<SnapshotSummary>& snapshots);

/// The shortest prefix length, at least 8, that tells all of `snapshots` apart.
[[nodiscard]] std::size_t id_prefix_length(const std::vector<SnapshotSummary>& snapshots);

}  // namespace dbbackup
