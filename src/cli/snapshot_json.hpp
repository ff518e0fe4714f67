#pragma once

/// @file
/// Snapshots as JSON: the names and forms that docs/json/ promises to scripts.

#include "base/error.hpp"
#include "repository/snapshot.hpp"

#include <nlohmann/json_fwd.hpp>

#include <set>

namespace dbbackup {

/// One element of `list --json`.
/// @param doubtful As `doubtful_snapshots` gives them.
[[nodiscard]] nlohmann::ordered_json summary_json(const SnapshotSummary& summary,
                                                  const std::set<SnapshotId>& doubtful);

/// `show --json`.
[[nodiscard]] nlohmann::ordered_json details_json(const SnapshotDetails& details,
                                                  const std::set<SnapshotId>& doubtful);

/// The text, or null when it is empty.
[[nodiscard]] nlohmann::ordered_json text_or_null(const std::string& text);

/// The position as one opaque text: history and value.
[[nodiscard]] std::string position_text(const Position& position);

}  // namespace dbbackup
