#pragma once

/// @file
/// The few objects that must be readable before any key is known: JSON that carries its own
/// SHA-256, in one exact spelling, so that a single changed byte shows.

#include "base/bytes.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace dbbackup {

/// Members "sha256" and "mac" are not part of what is hashed.
[[nodiscard]] std::string hashed_text(nlohmann::json object);

/// Adds "sha256" and spells the object out.
[[nodiscard]] Bytes encode_checked_json(nlohmann::json object);

/// @param name The object, for messages.
/// @throws CorruptionError unless `content` is exactly what encode_checked_json gave.
[[nodiscard]] nlohmann::json decode_checked_json(std::string_view name, BytesView content);

}  // namespace dbbackup
