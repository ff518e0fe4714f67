#pragma once

/// @file
/// The checksum by which Google's servers check what arrives. Pure.
///
/// Source: RFC 3720, section 12.1 and appendix B.4 (Castagnoli's polynomial).

#include "base/bytes.hpp"

#include <cstdint>
#include <string>

namespace dbbackup {

/// CRC32C of the whole content. @param before That of what lies before it, where there is
/// something.
[[nodiscard]] std::uint32_t crc32c(BytesView content, std::uint32_t before = 0) noexcept;

/// As Google writes it: in network byte order, in base64.
[[nodiscard]] std::string crc32c_text(std::uint32_t checksum);

}  // namespace dbbackup
