#pragma once

/// @file
/// What a snapshot keeps of its database beside the streams: the connector's notes.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/roles.hpp"
#include "connector/postgres/tracking.hpp"

#include <optional>
#include <string>
#include <vector>

namespace dbbackup::postgres {

struct Notes {
    DatabaseProperties database;
    std::optional<TrackingMark> tracking;

    [[nodiscard]] std::string json() const;
    /// @throws CorruptionError unless they are such notes.
    [[nodiscard]] static Notes parse(const std::string& json);
};

/// What a parent's notes say of tracking; nothing where they are not such notes, or say nothing.
[[nodiscard]] std::optional<TrackingMark> tracking_of(const std::string& json);

/// The definition of the schema's stream: what its archive does not say.
struct SchemaDefinition {
    std::vector<std::string>
        filled_views;  ///< Materialized views that have rows; it makes them empty.
    Requirements requirements;

    [[nodiscard]] std::string json() const;
    /// @throws CorruptionError.
    [[nodiscard]] static SchemaDefinition parse(const std::string& json);
};

}  // namespace dbbackup::postgres
