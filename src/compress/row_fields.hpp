#pragma once

/// @file
/// Delimited rows as columns: where the fields are, and the fields of each column side by side.
///
/// A field ends behind its first tab or line feed; in the last column only behind a line feed, so
/// that whatever a row has too many stays in it. A tab is followed by a field of the next column, a
/// line feed by one of the first. So any bytes are fields, one after another, and each byte is in
/// exactly one; only the very last field may lack its terminator.

#include "base/bytes.hpp"
#include "compress/scratch.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace dbbackup {

inline constexpr std::uint8_t kTab = '\t';
inline constexpr std::uint8_t kLineFeed = '\n';

/// Whether a column's fields end behind tabs and line feeds, or behind line feeds alone.
enum class ColumnPlace : bool { inner, last };

/// Tables have at most 1600 columns in PostgreSQL, 4096 in MySQL.
inline constexpr std::size_t kColumnsMax = 4096;

/// Bytes that may be read and written behind each column of `SplitRows`; they are 0 there.
inline constexpr std::size_t kColumnSlackBytes = 16;

/// Copies `bytes` bytes; faster than memcpy() for the short fields that most columns have.
/// @param room Bytes that may be read and written at either place, at least `bytes`.
inline void copy_field(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes,
                       std::size_t room) {
    constexpr std::size_t kShortBytes = 16;
    if (bytes <= kShortBytes && room >= kShortBytes) {
        std::memcpy(to, from, kShortBytes);
    } else {
        std::memcpy(to, from, bytes);
    }
}

static_assert(std::endian::native == std::endian::little, "field_bytes() counts from the lowest");

/// The bytes of the first field of `bytes`, with its terminator if it has one.
[[nodiscard]] inline std::size_t field_bytes(BytesView bytes, ColumnPlace place) {
    // What all processors compare at once (GCC manual, 6.53 "Using Vector Instructions through
    // Built-in Functions"); an equal byte becomes 0xff.
    using Block = std::uint8_t __attribute__((vector_size(16)));
    using Halves = std::array<std::uint64_t, 2>;
    std::size_t at = 0;
    for (; at + sizeof(Block) <= bytes.size(); at += sizeof(Block)) {
        Block block;
        std::memcpy(&block, bytes.data() + at, sizeof(block));
        auto marks = block == kLineFeed;
        if (place == ColumnPlace::inner) {
            marks |= block == kTab;
        }
        const auto [low, high] = std::bit_cast<Halves>(marks);
        if (low != 0) {
            return at + static_cast<std::size_t>(std::countr_zero(low)) / 8 + 1;
        }
        if (high != 0) {
            return at + 8 + static_cast<std::size_t>(std::countr_zero(high)) / 8 + 1;
        }
    }
    for (; at < bytes.size(); ++at) {
        if (bytes[at] == kLineFeed || (bytes[at] == kTab && place == ColumnPlace::inner)) {
            return at + 1;
        }
    }
    return bytes.size();
}

/// What most of the first rows of `content` have, 1 to kColumnsMax.
[[nodiscard]] std::size_t count_columns(BytesView content);

/// One column of a content.
struct SplitColumn {
    BytesView bytes;  ///< Its fields, one after another. kColumnSlackBytes of zeros stand behind.
    std::size_t fields = 0;
    ColumnPlace place = ColumnPlace::inner;
};

/// The fields of a content, column by column. Keeps its memory from one content to the next.
class SplitRows {
public:
    /// @param columns 1 to kColumnsMax.
    void split(BytesView content, std::size_t columns);

    [[nodiscard]] std::size_t columns() const { return columns_.size(); }
    /// Valid until the next split.
    [[nodiscard]] SplitColumn column(std::size_t number) const {
        const Column& column = columns_[number];
        return {room_.subspan(column.begin, column.bytes), column.fields,
                number + 1 == columns_.size() ? ColumnPlace::last : ColumnPlace::inner};
    }

private:
    struct Column {
        std::size_t begin = 0;
        std::size_t bytes = 0;
        std::size_t fields = 0;
    };

    Scratch scratch_;
    std::span<std::uint8_t> room_;
    std::vector<Column> columns_;
    std::vector<std::uint32_t> ends_;  ///< Of all fields, in the order of the content.
};

}  // namespace dbbackup
