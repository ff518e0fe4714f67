#pragma once

/// @file
/// Definitions under new names, rewritten by SQLite itself in a database in memory: what ALTER
/// TABLE RENAME changes in tables, indexes, triggers, foreign keys and views.

#include "connector/sqlite/stored_schema.hpp"
#include "connector/sqlite/table_choice.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// Rewrites the SQL of `chosen` where one of them has another name in the target; does nothing when
/// none has. What cannot be rewritten stays as it is, with a warning.
void apply_renames(const StoredSchema& schema, std::vector<ChosenTable>& chosen,
                   std::vector<std::string>& warnings, std::stop_token stop);

}  // namespace dbbackup::sqlite
