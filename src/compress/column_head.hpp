#pragma once

/// @file
/// What a zstd-columns payload says about one column; zstd_columns.cpp tells what it means.

#include "base/bytes.hpp"
#include "compress/field_values.hpp"

#include <cstddef>
#include <cstdint>

namespace dbbackup {

/// Numbers are part of the repository format.
enum class ColumnForm : std::uint8_t {
    text = 0,
    words = 1,
    number = 2,
    date = 3,
    timestamp = 4,
    uuid = 5,
};

/// Whether a value is counted from the base of its column or from the value before it.
enum class CountedFrom : std::uint8_t { base = 0, before = 1 };

struct ColumnHead {
    ColumnForm form = ColumnForm::text;
    std::size_t text_bytes = 0;
    std::size_t fields = 0;  ///< 0 for texts, which say so themselves.
    std::size_t width = 0;   ///< Bytes of the code of a field.
    std::size_t words = 0;   ///< Words only.
    // Numbers, dates and timestamps only:
    ValueSpelling spelling = {};
    CountedFrom from = CountedFrom::base;
    std::uint64_t unit = 1;
    std::int64_t base = 0;

    [[nodiscard]] std::size_t code_bytes() const { return fields * width; }
    [[nodiscard]] bool has_values() const {
        return form == ColumnForm::number || form == ColumnForm::date ||
               form == ColumnForm::timestamp;
    }
};

inline constexpr std::size_t kWordWidthMax = 2;
inline constexpr std::size_t kValueWidthMax = 8;
/// A UUID and whether it is one.
inline constexpr std::size_t kUuidWidth = 1 + kUuidBytes;

[[nodiscard]] constexpr ColumnForm form_of(ValueKind kind) {
    switch (kind) {
        case ValueKind::number: return ColumnForm::number;
        case ValueKind::date: return ColumnForm::date;
        case ValueKind::timestamp: return ColumnForm::timestamp;
    }
    return ColumnForm::text;
}

void append_column_head(const ColumnHead& head, Bytes& out);

/// Takes a head off the front of `payload`.
/// @param content_bytes No column takes more, codes and text together.
/// @throws CorruptionError for what no writer writes.
[[nodiscard]] ColumnHead take_column_head(BytesView& payload, std::size_t content_bytes);

/// @throws CorruptionError, always.
[[noreturn]] void refuse_columns();

/// Takes a number off the front of `payload`. @throws CorruptionError when it is larger than `max`.
[[nodiscard]] std::uint64_t take_number_of_columns(BytesView& payload, std::uint64_t max);

}  // namespace dbbackup
