#include "compress/row_fields.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kSampledRows = 16;
/// Of one row. What is longer has few columns, or nobody gains by finding them.
constexpr std::size_t kSampledRowBytes = 256_KiB;

/// Calls `visit(end, column)` for each field of `content`, with the offset of the field's end.
template <class Visit>
void for_each_field(BytesView content, std::size_t columns, Visit visit) {
    std::size_t column = 0;
    for (std::size_t at = 0; at < content.size();) {
        const bool is_last = column + 1 == columns;
        at += field_bytes(content.subspan(at), is_last ? ColumnPlace::last : ColumnPlace::inner);
        visit(at, column);
        column = content[at - 1] == kLineFeed || is_last ? 0 : column + 1;
    }
}

}  // namespace

std::size_t count_columns(BytesView content) {
    std::array<std::size_t, kSampledRows> counts{};
    std::size_t rows = 0;
    // The first row may be the end of one that was cut.
    for (bool is_first = true; rows < kSampledRows && !content.empty(); is_first = false) {
        const BytesView row =
            content.first(std::min(field_bytes(content, ColumnPlace::last), kSampledRowBytes));
        if (!is_first || row.size() == content.size()) {
            counts[rows++] = 1 + static_cast<std::size_t>(std::count(row.begin(), row.end(), kTab));
        }
        content = content.subspan(row.size());
    }
    std::pair<std::ptrdiff_t, std::size_t> most{0, 1};
    for (const std::size_t count : std::span(counts).first(rows)) {
        most = std::max(most, {std::count(counts.begin(), counts.end(), count), count});
    }
    return std::min(most.second, kColumnsMax);
}

void SplitRows::split(BytesView content, std::size_t columns) {
    columns_.assign(columns, {});
    ends_.clear();
    std::size_t begin = 0;
    for_each_field(content, columns, [&](std::size_t end, std::size_t column) {
        ends_.push_back(static_cast<std::uint32_t>(end));
        columns_[column].bytes += end - begin;
        ++columns_[column].fields;
        begin = end;
    });

    room_ = scratch_.room(content.size() + columns * kColumnSlackBytes);
    begin = 0;
    for (Column& column : columns_) {
        column.begin = begin;
        begin += column.bytes + kColumnSlackBytes;
        column.bytes = 0;  // Counted again while it is filled.
    }
    begin = 0;
    std::size_t number = 0;
    for (const std::size_t end : ends_) {
        Column& column = columns_[number];
        // The slack takes what is copied too much: the column behind may be filled already.
        copy_field(room_.data() + column.begin + column.bytes, content.data() + begin, end - begin,
                   content.size() - begin);
        column.bytes += end - begin;
        number = content[end - 1] == kLineFeed || number + 1 == columns ? 0 : number + 1;
        begin = end;
    }
    for (const Column& column : columns_) {
        std::memset(room_.data() + column.begin + column.bytes, 0, kColumnSlackBytes);
    }
}

}  // namespace dbbackup
