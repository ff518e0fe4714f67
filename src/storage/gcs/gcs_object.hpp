#pragma once

/// @file
/// What the JSON of an object says, as far as it is read here. Pure.
///
/// Source: Cloud Storage JSON API reference, "Objects" (resource representation).

#include "config/object_lock.hpp"
#include "http/http_message.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// The property that holds an object's own retention.
inline constexpr const char* kGcsRetention = "retention";

/// An answer's JSON, of any depth and with any numbers; discarded for what is none.
[[nodiscard]] nlohmann::json gcs_json_of(const HttpResponse& response);

/// What an object has by that name; null for what has no such thing.
[[nodiscard]] nlohmann::json gcs_property(const nlohmann::json& json, const char* name);

/// Sizes and generations are texts in JSON of Google's. Nothing for what is no number.
[[nodiscard]] std::optional<std::uint64_t> parse_gcs_number(std::string_view text);

/// "Unlocked" for governance: whoever has storage.objects.overrideUnlockedRetention may take it
/// back. "Locked" for compliance: nobody may.
[[nodiscard]] std::string_view gcs_word_of(LockMode mode) noexcept;

/// What that property holds.
[[nodiscard]] nlohmann::json gcs_retention(LockMode mode, std::chrono::sys_seconds until);

/// Until when an object may not be removed: by its own retention or by its bucket's policy,
/// whichever ends later. Nothing without either; holds have no end. @param object Its resource.
[[nodiscard]] std::optional<std::chrono::sys_seconds> gcs_retention_end(
    const nlohmann::json& object);

/// Whether its own retention is there. @param object Its resource.
[[nodiscard]] bool has_gcs_retention(const nlohmann::json& object);

}  // namespace dbbackup
