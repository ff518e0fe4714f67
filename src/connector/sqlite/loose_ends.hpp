#pragma once

/// @file
/// What restored tables refer to and the target does not have: told, not refused, since the rest
/// may be restored next.

#include "connector/sqlite/database.hpp"
#include "connector/sqlite/table_choice.hpp"

#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// One line for each foreign key without its table or rows, and for each trigger or view that
/// SQLite could not run. Reads only the target.
[[nodiscard]] std::vector<std::string> loose_ends(Database& target,
                                                  const std::vector<ChosenTable>& restored);

}  // namespace dbbackup::sqlite
