#pragma once

/// @file
/// What a stored stream holds, for people: its tables with their sizes (`show --tables`). The same
/// for every kind of database.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

enum class TableKind : std::uint8_t {
    table,
    view,           ///< Takes no space.
    virtual_table,  ///< Takes none itself; what its module keeps is in its shadow tables.
    shadow,         ///< Where the module of a virtual table keeps its data.
    system,         ///< The database's own bookkeeping.
};

/// Whose fault it is that something cannot be told.
enum class Fault : std::uint8_t {
    source,      ///< The database was damaged when it was backed up.
    repository,  ///< Stored bytes are damaged or gone.
};

struct Untold {
    Fault fault = Fault::source;
    std::string why;
};

/// An index of a table.
struct IndexSize {
    std::string name;
    std::optional<std::uint64_t> bytes;  ///< Nothing: cannot be told.
};

/// One table or view. Names are as they are in the database, whatever characters they have.
struct StoredTable {
    std::string name;
    TableKind kind = TableKind::table;
    std::string shadow_of;               ///< The virtual table; shadow tables only.
    std::optional<std::uint64_t> bytes;  ///< Its rows, without indexes. Nothing: cannot be told.
    std::optional<std::uint64_t> rows;   ///< Nothing for what keeps none itself, and if unknown.
    std::vector<IndexSize> indexes;
    std::vector<std::string> triggers;
    std::optional<Untold> untold;  ///< Why a size is missing.

    /// With all indexes; nothing when a part cannot be told.
    [[nodiscard]] std::optional<std::uint64_t> total_bytes() const;
    /// What its indexes take together; nothing when a part cannot be told.
    [[nodiscard]] std::optional<std::uint64_t> index_bytes() const;
};

}  // namespace dbbackup
