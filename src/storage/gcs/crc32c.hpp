#pragma once

/// @file
/// The checksum by which Google's servers check what arrives. Pure.
///
/// Source: RFC 3720, section 12.1 and appendix B.4 (Castagnoli's polynomial).

#include "base/bytes.hpp"

#include <cstdint>

namespace dbbackup {

/// CRC32C of the whole content.
[[nodiscard]] std::uint32_t crc32c(BytesView content) noexcept;

}  // namespace dbbackup
