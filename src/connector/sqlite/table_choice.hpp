#pragma once

/// @file
/// Which tables and views of a stored database a selection means, and what they are called in the
/// target. Pure.

#include "connector/selection.hpp"
#include "connector/sqlite/stored_schema.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// One table or view that was selected.
struct ChosenTable {
    TableDefinition definition;            ///< As stored.
    std::string target;                    ///< Its name in the target.
    std::vector<TableDefinition> shadows;  ///< Of a virtual table.
    std::string condition;                 ///< SQL; empty: all rows.

    [[nodiscard]] bool is_renamed() const { return target != definition.name; }
    /// The target's name of a shadow: its beginning goes with the virtual table.
    [[nodiscard]] std::string target_of(const TableDefinition& shadow) const;
};

/// Tables first, views behind them; both in the order in which they were made.
/// @param stream What the database is called in the snapshot.
/// @throws ConfigError (selection_matches_nothing, selection_conflict, bad_option_value): each
/// pattern of `--include` must match something, each condition and rename must be of a selected
/// table, and no two tables may end with the same name.
[[nodiscard]] std::vector<ChosenTable> choose_tables(const StoredSchema& schema,
                                                     const Selection& selection,
                                                     std::string_view stream);

}  // namespace dbbackup::sqlite
