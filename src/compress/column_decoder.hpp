#pragma once

/// @file
/// Rows from columns in the forms of column_head.hpp. What it is given may be any bytes.

#include "base/bytes.hpp"
#include "compress/column_head.hpp"
#include "compress/row_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dbbackup {

/// One column while its fields are given, one after another.
class ColumnDecoder {
public:
    /// @param codes Of this column alone, `head.code_bytes()`. Borrowed.
    /// @param text Of this column alone, with kColumnSlackBytes behind it. Borrowed.
    /// @throws CorruptionError when the words are not as many as the head says.
    ColumnDecoder(const ColumnHead& head, ColumnPlace place, BytesView codes, BytesView text);

    /// Writes the next field to the front of `out`.
    /// @return How many bytes it has, at least 1.
    /// @throws CorruptionError when there is none, or `out` is too small for it.
    [[nodiscard]] std::size_t next(std::span<std::uint8_t> out);

    /// Whether nothing is left.
    [[nodiscard]] bool is_done() const {
        return field_ == head_.fields && (head_.form == ColumnForm::words || text_.empty());
    }

private:
    [[nodiscard]] std::uint64_t next_code();
    [[nodiscard]] std::size_t next_text(std::span<std::uint8_t> out);
    [[nodiscard]] std::size_t next_word(std::span<std::uint8_t> out);
    [[nodiscard]] std::size_t next_value(std::span<std::uint8_t> out);
    /// Writes a value and its terminator, at most kValueBytesMax + 1 bytes.
    [[nodiscard]] std::size_t print(std::uint64_t value, std::uint8_t* out);
    [[nodiscard]] std::size_t next_uuid(std::span<std::uint8_t> out);

    ColumnHead head_;
    ColumnPlace place_;
    BytesView codes_;
    BytesView text_;
    std::size_t field_ = 0;
    std::uint64_t value_ = 0;  ///< What the next value is counted from.
    ValuePrinter printer_;
    std::vector<BytesView> words_;
};

/// Puts the fields of all columns together, row by row, into exactly `content`.
/// @throws CorruptionError when that is not what they make.
void join_rows(std::span<ColumnDecoder> columns, std::span<std::uint8_t> content);

}  // namespace dbbackup
