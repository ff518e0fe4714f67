#pragma once

/// @file
/// What a snapshot keeps of its database beside the streams: the connector's notes.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/tracking.hpp"

#include <optional>
#include <string>

namespace dbbackup::postgres {

struct Notes {
    DatabaseProperties database;
    std::optional<TrackingMark> tracking;

    [[nodiscard]] std::string json() const;
    /// @throws CorruptionError unless they are such notes.
    [[nodiscard]] static Notes parse(const std::string& json);
};

}  // namespace dbbackup::postgres
