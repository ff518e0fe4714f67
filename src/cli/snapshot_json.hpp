#pragma once

/// @file
/// Snapshots as JSON: the names and forms that docs/json/ promises to scripts.

#include "base/error.hpp"
#include "cli/snapshot_remarks.hpp"
#include "repository/snapshot.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace dbbackup {

/// One element of `list --json`.
[[nodiscard]] nlohmann::ordered_json summary_json(const SnapshotSummary& summary,
                                                  const SnapshotRemarks& remarks);

/// The stream of this name, or null.
[[nodiscard]] const StoredStream* stream_named(const SnapshotDetails& details,
                                               const std::string& name);

/// What was stored of the stream at this place; null where the snapshot does not say.
[[nodiscard]] const StoredCounts* stored_counts(const SnapshotDetails& details, std::size_t index);

/// `show --json`.
/// @param parent To tell how the streams grew; nothing where there is none to be read.
[[nodiscard]] nlohmann::ordered_json details_json(const SnapshotDetails& details,
                                                  const std::optional<SnapshotDetails>& parent,
                                                  const SnapshotRemarks& remarks);

/// The text, or null when it is empty.
[[nodiscard]] nlohmann::ordered_json text_or_null(const std::string& text);

/// The position as one opaque text: history and value.
[[nodiscard]] std::string position_text(const Position& position);

}  // namespace dbbackup
