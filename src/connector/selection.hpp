#pragma once

/// @file
/// What of a snapshot a restore is about: `--include`, `--exclude`, `--where`, `--rename`,
/// `--schema-only`, `--data-only`. The same for every kind of database.

#include "config/name_pattern.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dbbackup {

/// Definitions, rows or both.
enum class Parts : std::uint8_t { all, schema, data };

/// Only the rows of one table for which an SQL condition holds.
struct RowCondition {
    std::string table;
    std::string condition;
};

/// Another name for one table.
struct Rename {
    std::string from;
    std::string to;
};

/// Names are those in the snapshot.
struct Selection {
    NameSelection names;
    std::vector<RowCondition> where;
    std::vector<Rename> renames;
    Parts parts = Parts::all;

    /// Nothing was said: the whole snapshot, byte by byte where it can be.
    [[nodiscard]] bool is_everything() const {
        return names.is_empty() && where.empty() && renames.empty() && parts == Parts::all;
    }
};

}  // namespace dbbackup
