#pragma once

/// @file
/// Times as HTTP writes them. Pure. Source: RFC 9110, section 5.6.7.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nothing for what is no such time.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// As `parse_http_date` reads it.
[[nodiscard]] std::string http_date(std::chrono::sys_seconds time);

}  // namespace dbbackup
