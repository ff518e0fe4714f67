#pragma once

/// @file
/// Numbers of any size in as few bytes as they need: seven bits a byte, the lowest first, the high
/// bit set on all bytes but the last.
/// Source: LEB128, DWARF 5 section 7.6.

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace dbbackup {

inline void append_leb128(std::uint64_t value, Bytes& out) {
    while (value >= 0x80U) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80U));
        value >>= 7U;
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

/// Takes a number of at most `bytes_max` bytes, and of at most 64 bits, off the front of `bytes`.
/// Nothing when there is none; `bytes` then begins anywhere.
[[nodiscard]] inline std::optional<std::uint64_t> take_leb128(BytesView& bytes,
                                                              std::size_t bytes_max) {
    constexpr unsigned kBits = 64;
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (std::size_t taken = 0; taken < bytes_max && !bytes.empty() && shift < kBits; ++taken) {
        const std::uint8_t byte = bytes.front();
        bytes = bytes.subspan(1);
        const std::uint64_t bits = byte & 0x7fU;
        if (shift > 0 && (bits >> (kBits - shift)) != 0) {
            return std::nullopt;
        }
        value |= bits << shift;
        if ((byte & 0x80U) == 0) {
            return value;
        }
        shift += 7;
    }
    return std::nullopt;
}

/// Signed numbers as unsigned ones, small ones as small ones: 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
[[nodiscard]] constexpr std::uint64_t to_zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U);
}
[[nodiscard]] constexpr std::int64_t from_zigzag(std::uint64_t code) {
    return static_cast<std::int64_t>((code >> 1U) ^ (0 - (code & 1U)));
}

}  // namespace dbbackup
