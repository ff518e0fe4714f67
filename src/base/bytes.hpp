#pragma once

/// @file
/// Byte buffers and views, and their hexadecimal text. The currency of the whole data path.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

/// Views the characters of `text` as bytes; the caller keeps `text` alive.
[[nodiscard]] inline BytesView as_bytes(std::string_view text) {
    // uint8_t and char may alias each other by the standard, so this cast is well defined.
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Views bytes as characters, for protobuf and text parsers; the caller keeps them alive.
[[nodiscard]] inline std::string_view as_text(BytesView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A buffer of its own with these bytes.
[[nodiscard]] inline Bytes copy_of(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

/// Lower-case hexadecimal, two characters a byte.
[[nodiscard]] std::string to_hex(BytesView bytes);

/// The bytes of lower-case hexadecimal text, or an empty buffer when `text` is not that.
[[nodiscard]] Bytes from_hex(std::string_view text);

}  // namespace dbbackup
