#include "compress/column_head.hpp"

#include "base/error.hpp"
#include "compress/leb128.hpp"

#include <limits>

namespace dbbackup {
namespace {

constexpr std::size_t kNumberBytesMax = 10;
constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

ValueKind kind_of(ColumnForm form) {
    switch (form) {
        case ColumnForm::date: return ValueKind::date;
        case ColumnForm::timestamp: return ValueKind::timestamp;
        default: return ValueKind::number;
    }
}

void append_values(const ColumnHead& head, Bytes& out) {
    if (head.form != ColumnForm::date) {
        append_leb128(head.spelling.digits, out);
    }
    if (head.form == ColumnForm::timestamp) {
        append_leb128(head.spelling.zone.size(), out);
        out.insert(out.end(), head.spelling.zone.begin(), head.spelling.zone.end());
    }
    append_leb128(static_cast<std::uint64_t>(head.from), out);
    append_leb128(head.unit, out);
    append_leb128(to_zigzag(head.base), out);
}

void take_values(BytesView& payload, ColumnHead& head) {
    head.spelling.kind = kind_of(head.form);
    if (head.form != ColumnForm::date) {
        head.spelling.digits = static_cast<unsigned>(take_number_of_columns(
            payload, head.form == ColumnForm::number ? kNumberDigitsMax : kTrimmedDigits));
    }
    if (head.form == ColumnForm::timestamp) {
        const std::size_t zone_bytes = take_number_of_columns(payload, kZoneBytesMax);
        if (zone_bytes > payload.size()) {
            refuse_columns();
        }
        head.spelling.zone = as_text(payload.first(zone_bytes));
        payload = payload.subspan(zone_bytes);
    }
    head.from = static_cast<CountedFrom>(take_number_of_columns(payload, 1));
    head.unit = take_number_of_columns(payload, kAny);
    head.base = from_zigzag(take_number_of_columns(payload, kAny));
}

std::size_t width_max_of(ColumnForm form) {
    switch (form) {
        case ColumnForm::text: return 0;
        case ColumnForm::words: return kWordWidthMax;
        case ColumnForm::uuid: return kUuidWidth;
        default: return kValueWidthMax;
    }
}

}  // namespace

void refuse_columns() { throw CorruptionError("a zstd-columns chunk does not decode"); }

std::uint64_t take_number_of_columns(BytesView& payload, std::uint64_t max) {
    const std::optional<std::uint64_t> number = take_leb128(payload, kNumberBytesMax);
    if (!number || *number > max) {
        refuse_columns();
    }
    return *number;
}

void append_column_head(const ColumnHead& head, Bytes& out) {
    append_leb128(static_cast<std::uint64_t>(head.form), out);
    append_leb128(head.text_bytes, out);
    if (head.form == ColumnForm::text) {
        return;
    }
    append_leb128(head.fields, out);
    append_leb128(head.width, out);
    if (head.form == ColumnForm::words) {
        append_leb128(head.words, out);
    }
    if (head.has_values()) {
        append_values(head, out);
    }
}

ColumnHead take_column_head(BytesView& payload, std::size_t content_bytes) {
    ColumnHead head;
    head.form = static_cast<ColumnForm>(
        take_number_of_columns(payload, static_cast<std::uint64_t>(ColumnForm::uuid)));
    head.text_bytes = take_number_of_columns(payload, content_bytes);
    if (head.form == ColumnForm::text) {
        return head;
    }
    head.fields = take_number_of_columns(payload, content_bytes - head.text_bytes);
    head.width = take_number_of_columns(payload, width_max_of(head.form));
    const bool is_uuid = head.form == ColumnForm::uuid;
    if (head.width == 0 || (is_uuid && head.width != kUuidWidth) ||
        head.fields > (content_bytes - head.text_bytes) / head.width) {
        refuse_columns();
    }
    if (head.form == ColumnForm::words) {
        head.words = take_number_of_columns(payload, head.text_bytes);
    }
    if (head.has_values()) {
        take_values(payload, head);
    }
    return head;
}

}  // namespace dbbackup
