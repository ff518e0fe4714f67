#pragma once

/// @file
/// `show --tables`: what a snapshot's tables take, as text and as JSON. Pure.

#include "cli/terminal.hpp"
#include "engine/snapshot_tables.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbbackup {

/// One line for each table, below an empty one; with the database where there are several.
[[nodiscard]] std::string tables_text(const SnapshotTables& found, const Terminal& terminal);

/// `tables` of `show --json`.
[[nodiscard]] nlohmann::ordered_json tables_json(const SnapshotTables& found);

}  // namespace dbbackup
