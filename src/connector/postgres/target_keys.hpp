#pragma once

/// @file
/// Foreign keys of restored tables to tables that are in the database and are not restored.

#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection.hpp"

#include <set>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Of the foreign keys that the choice leaves out, those to tables that the database has.
[[nodiscard]] std::set<int> keys_to_others(Connection& connection, const ChosenParts& parts);

/// Makes them, in the connection's transaction. Where rows do not fit, or a lock is not had, it
/// does without. @return what is left out and why, one sentence each.
[[nodiscard]] std::vector<std::string> add_foreign_keys(Connection& connection,
                                                        const ChosenParts& parts,
                                                        const std::set<int>& keys);

}  // namespace dbbackup::postgres
