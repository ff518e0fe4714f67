#pragma once

/// @file
/// From the texts of `--where` and `--rename` to what they mean.

#include "connector/selection.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// "orders: customer_id = 7", each table once. A name with a colon is written in double quotes.
/// @throws ConfigError (bad_option_value).
[[nodiscard]] RowCondition where_argument(std::string_view text);

/// "orders=orders_old". A name with an equals sign is written in double quotes.
/// @throws ConfigError (bad_option_value).
[[nodiscard]] Rename rename_argument(std::string_view text);

}  // namespace dbbackup
