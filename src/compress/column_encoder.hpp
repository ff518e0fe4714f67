#pragma once

/// @file
/// The columns of a content in the forms that take least, before they are compressed.

#include "base/bytes.hpp"
#include "compress/column_head.hpp"
#include "compress/row_fields.hpp"
#include "compress/scratch.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dbbackup {

/// Takes one column after another. Keeps its memory from one content to the next.
class ColumnEncoder {
public:
    /// Begins a content of so many bytes.
    void start(std::size_t content_bytes);

    /// @param column Borrowed until the next start.
    [[nodiscard]] ColumnHead add(const SplitColumn& column);

    /// The codes of all columns so far: the lowest bytes of all fields of a column, the next
    /// bytes, and so on. Each part is best compressed by itself.
    [[nodiscard]] std::span<const BytesView> codes() const { return codes_; }
    /// The texts of all columns so far, a part for each that has one; some are what was given.
    [[nodiscard]] std::span<const BytesView> texts() const { return texts_; }

private:
    /// A field that comes more than once.
    struct Word {
        std::size_t begin = 0;  ///< In its column.
        std::size_t bytes = 0;
    };

    [[nodiscard]] std::optional<ColumnHead> add_words(const SplitColumn& column);
    [[nodiscard]] std::optional<std::size_t> word_codes(const SplitColumn& column);
    [[nodiscard]] std::optional<ColumnHead> add_values(const SplitColumn& column,
                                                       const ValueSpelling& spelling);
    void read_values(const SplitColumn& column, const ValueSpelling& spelling);
    void put_values(const ColumnHead& head);
    [[nodiscard]] std::optional<ColumnHead> add_uuids(const SplitColumn& column);
    void append_text(BytesView text);
    void end_codes(const ColumnHead& head);

    Scratch code_scratch_;
    Scratch text_scratch_;
    std::span<std::uint8_t> code_room_;
    std::span<std::uint8_t> text_room_;
    std::size_t code_bytes_ = 0;  ///< Of `code_room_`.
    std::size_t text_bytes_ = 0;  ///< Of `text_room_`.
    std::vector<BytesView> codes_;
    std::vector<BytesView> texts_;

    std::vector<std::int64_t> values_;        ///< Of the column at hand.
    std::vector<std::uint16_t> field_words_;  ///< Of the column at hand: the word of each field.
    std::vector<Word> words_;
    std::vector<std::uint16_t> slots_;  ///< A hash table of `words_`: their numbers plus 1.
};

/// Whether the first fields of a column, NULL aside, are values or UUIDs; text otherwise.
struct LikelyForm {
    ColumnForm form = ColumnForm::text;
    ValueSpelling spelling = {};
};
[[nodiscard]] LikelyForm likely_form(BytesView column, ColumnPlace place);

}  // namespace dbbackup
