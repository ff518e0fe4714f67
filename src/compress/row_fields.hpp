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

namespace row_fields {

inline constexpr std::size_t kWordBytes = 8;
inline constexpr std::uint64_t kOnes = 0x0101010101010101;

inline std::uint64_t word_at(const std::uint8_t* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, kWordBytes);
    if constexpr (std::endian::native == std::endian::big) {
        word = __builtin_bswap64(word);
    }
    return word;
}

/// A bit is set in the lowest byte that is `byte`, perhaps in bytes above it, in none below.
/// Source: Warren, "Hacker's Delight", 2nd edition, section 6-1.
inline std::uint64_t marks_of(std::uint64_t word, std::uint8_t byte) {
    const std::uint64_t zeros = word ^ (kOnes * byte);
    return (zeros - kOnes) & ~zeros & (kOnes << 7U);
}

}  // namespace row_fields

/// The bytes of the first field of `bytes`, with its terminator if it has one.
[[nodiscard]] inline std::size_t field_bytes(BytesView bytes, ColumnPlace place) {
    using namespace row_fields;
    std::size_t at = 0;
    for (; at + kWordBytes <= bytes.size(); at += kWordBytes) {
        const std::uint64_t word = word_at(bytes.data() + at);
        std::uint64_t marks = marks_of(word, kLineFeed);
        if (place == ColumnPlace::inner) {
            marks |= marks_of(word, kTab);
        }
        if (marks != 0) {
            return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8 + 1;
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

/// The fields of a content, column by column. Keeps its memory from one content to the next.
class SplitRows {
public:
    /// @param columns 1 to kColumnsMax.
    void split(BytesView content, std::size_t columns);

    [[nodiscard]] std::size_t columns() const { return columns_.size(); }
    /// The fields of one column, one after another. Valid until the next split.
    [[nodiscard]] BytesView column(std::size_t number) const {
        return room_.subspan(columns_[number].begin, columns_[number].bytes);
    }
    [[nodiscard]] ColumnPlace place(std::size_t number) const {
        return number + 1 == columns_.size() ? ColumnPlace::last : ColumnPlace::inner;
    }

private:
    struct Column {
        std::size_t begin = 0;
        std::size_t bytes = 0;
    };

    Scratch scratch_;
    std::span<std::uint8_t> room_;
    std::vector<Column> columns_;
    std::vector<std::uint32_t> ends_;  ///< Of all fields, in the order of the content.
};

}  // namespace dbbackup
