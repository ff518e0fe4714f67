#pragma once

/// @file
/// MD5, for stores that check by it whether a body arrived as it was sent. It proves nothing
/// against people who mean harm.

#include "base/bytes.hpp"

#include <array>
#include <cstdint>

namespace dbbackup {

using Md5Digest = std::array<std::uint8_t, 16>;

/// Source: RFC 1321.
[[nodiscard]] Md5Digest md5(BytesView content);

}  // namespace dbbackup
