#pragma once

/// @file
/// Bytes as text in letters, digits, '+' and '/'. Source: RFC 4648, section 4.

#include "base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// With '=' at the end where the length asks for it.
[[nodiscard]] std::string to_base64(BytesView content);

/// Nothing when `text` is not that.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

}  // namespace dbbackup
