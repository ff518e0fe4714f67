#pragma once

/// @file
/// The tables of a snapshot with their sizes, and how they have grown since the parent.
///
/// Data path: storage -> unpacker -> connector -> [snapshot_tables] -> `show --tables`.

#include "config/name_pattern.hpp"
#include "connector/connector.hpp"
#include "connector/contents.hpp"
#include "engine/backup.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// How a table stands to the one of the same name in the parent.
enum class TableChange : std::uint8_t {
    unknown,  ///< There is no parent, or it cannot be read.
    added,
    gone,  ///< Only the parent has it.
    kept,
};

struct ComparedTable {
    std::string stream;
    std::string database;  ///< That the stream is of.
    StoredTable table;     ///< Of one that is gone: empty, but for what it was.
    TableChange change = TableChange::unknown;
    std::optional<std::uint64_t> bytes_parent;  ///< With indexes; nothing when it cannot be told.
    std::optional<std::uint64_t> rows_parent;
};

struct SnapshotTables {
    std::vector<ComparedTable> tables;  ///< Stream by stream; those that are gone come last.
    std::vector<std::string> warnings;  ///< What cannot be told and why, one sentence each.
    std::optional<Fault> fault;         ///< Whose fault that is; the repository's weighs more.
    std::uint64_t bytes_fetched = 0;    ///< Of packs, from the storage.
    bool are_several_databases = false;
};

/// Reads every chunk that the tables have pages in, of the snapshot and of its parent.
/// @param parent Nothing: growth is not told.
/// @param names As for `restore`: a pattern takes tables, or a whole one of several databases.
/// @throws ConfigError (codes "tables_not_supported", "selection_matches_nothing"), what is wrong
/// when no stream can be read, RepositoryError (code "snapshot_removed"), StorageError, Cancelled.
[[nodiscard]] SnapshotTables snapshot_tables(Repository& repository, const SnapshotId& snapshot,
                                             const std::optional<SnapshotId>& parent,
                                             Connector& connector, const NameSelection& names,
                                             const Context& context, std::stop_token stop);

}  // namespace dbbackup
