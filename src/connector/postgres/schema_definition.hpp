#pragma once

/// @file
/// What a snapshot keeps of a database beside the bytes of its streams: properties that make no
/// part of its schema, and what it needs of a server.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/roles.hpp"
#include "connector/postgres/unchecked_keys.hpp"

#include <string>
#include <vector>

namespace dbbackup::postgres {

/// The definition of the schema's stream, as JSON.
struct SchemaDefinition {
    DatabaseProperties database;
    std::vector<std::string>
        filled_views;  ///< Materialized views that have rows; it makes them empty.
    Requirements requirements;
    std::vector<TableName> left_out;         ///< Tables whose rows the user did not want.
    std::vector<ForeignKey> unchecked_keys;  ///< To those.

    [[nodiscard]] std::string json() const;
    /// @throws CorruptionError.
    [[nodiscard]] static SchemaDefinition parse(const std::string& json);
};

}  // namespace dbbackup::postgres
