#pragma once

/// @file
/// JSON as db-backup's own objects hold it: shallow, and its numbers are whole.

#include <nlohmann/json.hpp>

#include <string_view>

namespace dbbackup {

/// @return A discarded value (`is_discarded()`; `at()` throws) when `text` is no JSON, or is nested
/// deeper than our objects are (which could exhaust the stack when it is spelt out again), or holds
/// a number with a fraction or an exponent or beyond 64 bits (get<int>() of 1e29 is undefined
/// behaviour).
[[nodiscard]] nlohmann::json parse_plain_json(std::string_view text);

}  // namespace dbbackup
