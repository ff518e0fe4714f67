#include "compress/column_decoder.hpp"

#include "compress/leb128.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace dbbackup {
namespace {

/// Copies a field that has slack behind it.
std::size_t put(BytesView field, std::span<std::uint8_t> out) {
    if (field.empty() || field.size() > out.size()) {
        refuse_columns();
    }
    copy_field(out.data(), field.data(), field.size(), out.size());
    return field.size();
}

}  // namespace

ColumnDecoder::ColumnDecoder(const ColumnHead& head, ColumnPlace place, BytesView codes,
                             BytesView text)
    : head_(head),
      place_(place),
      codes_(codes),
      text_(text),
      value_(static_cast<std::uint64_t>(head.base)),
      printer_(head.spelling) {
    if (head.form != ColumnForm::words) {
        return;
    }
    words_.reserve(head.words);
    for (BytesView rest = text; !rest.empty();) {
        const std::size_t bytes = field_bytes(rest, place);
        if (words_.size() == head.words) {
            refuse_columns();
        }
        words_.push_back(rest.first(bytes));
        rest = rest.subspan(bytes);
    }
    if (words_.size() != head.words) {
        refuse_columns();
    }
}

std::size_t ColumnDecoder::next(std::span<std::uint8_t> out) {
    switch (head_.form) {
        case ColumnForm::text: return next_text(out);
        case ColumnForm::words: return next_word(out);
        case ColumnForm::uuid: return next_uuid(out);
        case ColumnForm::number:
        case ColumnForm::date:
        case ColumnForm::timestamp: break;
    }
    return next_value(out);
}

std::uint64_t ColumnDecoder::next_code() {
    if (field_ == head_.fields) {
        refuse_columns();
    }
    const std::uint8_t* from = codes_.data() + field_;
    ++field_;
    std::uint64_t code = 0;
    for (std::size_t byte = 0; byte < head_.width; ++byte, from += head_.fields) {
        code |= std::uint64_t{*from} << (8 * byte);
    }
    return code;
}

std::size_t ColumnDecoder::next_text(std::span<std::uint8_t> out) {
    const std::size_t bytes = field_bytes(text_, place_);
    put(text_.first(bytes), out);
    text_ = text_.subspan(bytes);
    return bytes;
}

std::size_t ColumnDecoder::next_word(std::span<std::uint8_t> out) {
    const std::uint64_t code = next_code();
    if (code >= words_.size()) {
        refuse_columns();
    }
    return put(words_[code], out);
}

std::size_t ColumnDecoder::next_value(std::span<std::uint8_t> out) {
    const std::uint64_t code = next_code();
    if (code == 0) {
        return next_text(out);
    }
    // Hostile numbers wrap around; those of a writer do not.
    std::uint64_t value = value_;
    if (head_.from == CountedFrom::base) {
        value += (code - 1) * head_.unit;
    } else {
        value += static_cast<std::uint64_t>(from_zigzag(code - 1)) * head_.unit;
        value_ = value;
    }
    if (out.size() > kValueBytesMax) {
        return print(value, out.data());
    }
    std::array<std::uint8_t, kValueBytesMax + 1> room{};
    return put(BytesView(room).first(print(value, room.data())), out);
}

std::size_t ColumnDecoder::print(std::uint64_t value, std::uint8_t* out) {
    const std::size_t bytes = printer_.print(static_cast<std::int64_t>(value), out);
    if (bytes == 0) {
        refuse_columns();
    }
    out[bytes] = place_ == ColumnPlace::last ? kLineFeed : kTab;
    return bytes + 1;
}

std::size_t ColumnDecoder::next_uuid(std::span<std::uint8_t> out) {
    if (field_ == head_.fields) {
        refuse_columns();
    }
    std::array<std::uint8_t, kUuidWidth> code{};
    for (std::size_t byte = 0; byte < kUuidWidth; ++byte) {
        code[byte] = codes_[byte * head_.fields + field_];
    }
    ++field_;
    if (code[0] == 0) {
        return next_text(out);
    }
    if (out.size() <= kUuidTextBytes) {
        refuse_columns();
    }
    print_uuid(code.data() + 1, out.data());
    out[kUuidTextBytes] = place_ == ColumnPlace::last ? kLineFeed : kTab;
    return kUuidTextBytes + 1;
}

void join_rows(std::span<ColumnDecoder> columns, std::span<std::uint8_t> content) {
    std::size_t number = 0;
    for (std::size_t at = 0; at < content.size();) {
        at += columns[number].next(content.subspan(at));
        const std::uint8_t last = content[at - 1];
        const bool is_last = number + 1 == columns.size();
        if (last == kLineFeed) {
            number = 0;
        } else if (last == kTab && !is_last) {
            ++number;
        } else if (at != content.size()) {
            refuse_columns();  // A field without terminator is the last one.
        }
    }
    for (const ColumnDecoder& column : columns) {
        if (!column.is_done()) {
            refuse_columns();
        }
    }
}

}  // namespace dbbackup
