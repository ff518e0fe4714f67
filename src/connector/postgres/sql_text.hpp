#pragma once

/// @file
/// Names and values as SQL text. Pure.

#include <string>
#include <string_view>

namespace dbbackup::postgres {

/// "we""ird": always quoted, so that no list of reserved words is needed.
[[nodiscard]] std::string quoted_name(std::string_view identifier);
/// "schema"."table"
[[nodiscard]] std::string quoted_name(std::string_view schema, std::string_view name);
/// 'it''s', for servers with standard_conforming_strings on, which `Connection` sets.
[[nodiscard]] std::string literal(std::string_view text);

}  // namespace dbbackup::postgres
