#pragma once

/// @file
/// What stands in the way of selected tables in a target database: what is dropped for them, what
/// gets another name, and what is refused.

#include "connector/connector.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/table_choice.hpp"

#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// How selected tables meet a database that is there.
struct Meeting {
    Parts parts = Parts::all;
    Overwrite overwrite = Overwrite::no;
};

/// Finds what the selected tables replace, as statements that drop it. Indexes and triggers of
/// renamed tables get another name where theirs is taken by an object that stays.
/// @throws ConfigError: target_not_empty when one of the tables is there and may not be replaced,
/// or a name belongs to something else; target_table_missing when rows alone have no table.
[[nodiscard]] std::vector<std::string> make_room(Database& target, std::vector<ChosenTable>& chosen,
                                                 const Meeting& meeting);

}  // namespace dbbackup::sqlite
