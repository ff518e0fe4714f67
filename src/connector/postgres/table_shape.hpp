#pragma once

/// @file
/// What decides the text of a table's rows beside its blocks. A segment of the parent may be taken
/// over only where this is equal: ALTER TABLE … ADD COLUMN with a constant default, or ALTER TYPE …
/// RENAME VALUE, change what every row looks like and no block.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"

#include <vector>

namespace dbbackup::postgres {

/// Fills in `Table::shape`: a digest of the relation's file and tablespace, and of each column's
/// name, type (down to the members of composites, the labels of enums and what domains and arrays
/// are of) and value for rows that were there before it. "" for columns whose text depends on other
/// tables of the catalogue (regclass and its kind, aclitem), for unlogged tables and for other
/// access methods than heap: those are read each time.
void describe_shapes(Connection& connection, std::vector<Table>& tables);

}  // namespace dbbackup::postgres
