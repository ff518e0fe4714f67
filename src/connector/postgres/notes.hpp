#pragma once

/// @file
/// What a snapshot keeps of its database beside the streams: the connector's notes.

#include "connector/postgres/catalogue.hpp"
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

/// The definition of the schema's stream: materialized views that have rows, which its archive makes
/// empty.
[[nodiscard]] std::string views_json(const std::vector<std::string>& views);
/// @throws CorruptionError.
[[nodiscard]] std::vector<std::string> parse_views(const std::string& json);

}  // namespace dbbackup::postgres
