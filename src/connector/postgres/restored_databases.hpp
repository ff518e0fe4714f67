#pragma once

/// @file
/// Which databases a restore makes, and under which names.

#include "connector/connector.hpp"
#include "connector/postgres/schema_definition.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// One database of the snapshot.
struct RestoredDatabase {
    std::string name;
    std::string target;  ///< Its name then.
    SchemaDefinition schema;
    std::size_t tables = 0;
    bool is_dump = false;  ///< pg_dump's, or SQL: loaded as it is.
    std::string last_stream;
};

/// In the order of the manifest. @throws CorruptionError.
[[nodiscard]] std::vector<RestoredDatabase> restored_databases(
    const std::vector<StoredStream>& streams);

/// Gives the databases their names in the target.
/// @param name What the target's URI names, or "". @throws ConfigError (target_is_one_database).
void name_targets(std::vector<RestoredDatabase>& databases, const std::string& name);

/// What the SQL of an archive cannot do. @throws ConfigError (not_supported).
void refuse_for_script(const RestoreRequest& request, const std::vector<StoredStream>& streams);

/// Tables are chosen from one database, object by object.
/// @throws ConfigError (selection_not_supported).
void check_selection(const std::vector<RestoredDatabase>& databases);

}  // namespace dbbackup::postgres
