#pragma once

/// @file
/// Numbers as gzip and zip write them.

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace dbbackup {

/// Appends the `count` low bytes of `value`, lowest first.
inline void append_number(Bytes& out, std::uint64_t value, unsigned count) {
    for (unsigned byte = 0; byte < count; ++byte) {
        out.push_back(static_cast<std::uint8_t>(value >> (8 * byte)));
    }
}
inline void append_u16(Bytes& out, std::uint16_t value) { append_number(out, value, 2); }
inline void append_u32(Bytes& out, std::uint32_t value) { append_number(out, value, 4); }
inline void append_u64(Bytes& out, std::uint64_t value) { append_number(out, value, 8); }

/// The number in the `count` bytes at `offset`. @pre They are there, and at most 8.
[[nodiscard]] inline std::uint64_t number_at(BytesView bytes, std::size_t offset, unsigned count) {
    std::uint64_t value = 0;
    for (unsigned byte = 0; byte < count; ++byte) {
        value |= std::uint64_t{bytes[offset + byte]} << (8 * byte);
    }
    return value;
}

}  // namespace dbbackup
