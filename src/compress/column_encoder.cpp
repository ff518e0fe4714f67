#include "compress/column_encoder.hpp"

#include "compress/byte_words.hpp"
#include "compress/leb128.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

namespace dbbackup {
namespace {

// Measured in docs/decisions/0014.
constexpr std::size_t kWordsFirst = 1024;  ///< So many are fine in any column,
constexpr std::size_t kFieldsOfWord = 8;   ///< and one more for so many fields.
constexpr std::size_t kWordsMax = 4096;
constexpr std::size_t kSlots = 2 * kWordsMax;
constexpr std::size_t kOneByteWords = 256;

/// No value: no parser gives it.
constexpr std::int64_t kNoValue = std::numeric_limits<std::int64_t>::min();

std::uint8_t terminator_of(ColumnPlace place) {
    return place == ColumnPlace::last ? kLineFeed : kTab;
}

/// @param column Has slack behind it.
std::size_t slot_of(const std::uint8_t* field, std::size_t bytes) {
    using byte_words::kWordBytes;
    using byte_words::word_at;
    std::uint64_t first = word_at(field);
    std::uint64_t last = 0;
    if (bytes < kWordBytes) {
        first &= (std::uint64_t{1} << (8 * bytes)) - 1;
    } else {
        last = word_at(field + bytes - kWordBytes);
    }
    // Source: the multiplier is that of Steele and Vigna, "Computationally easy, spectrally good
    // multipliers", 2022, table 5 (64 bits).
    constexpr std::uint64_t kMultiplier = 0xd1342543de82ef95;
    std::uint64_t mixed =
        (first ^ std::rotl(last, 29) ^ (std::uint64_t{bytes} << 56U)) * kMultiplier;
    mixed ^= mixed >> 32U;
    return static_cast<std::size_t>(mixed * kMultiplier >> 32U) % kSlots;
}

/// The values of a column counted from one of its values.
struct Count {
    std::uint64_t bits = 0;
    std::uint64_t code_max = 0;

    void add(std::uint64_t code) {
        bits += static_cast<std::uint64_t>(std::bit_width(code));
        code_max = std::max(code_max, code);
    }
};

/// 0 is for fields that are no value.
std::uint64_t code_from_base(std::int64_t value, std::int64_t base, std::int64_t unit) {
    return static_cast<std::uint64_t>(unit == 1 ? value - base : (value - base) / unit) + 1;
}
std::uint64_t code_from_before(std::int64_t value, std::int64_t before, std::int64_t unit) {
    return to_zigzag(unit == 1 ? value - before : (value - before) / unit) + 1;
}

std::size_t bytes_of(std::uint64_t code) {
    return (static_cast<std::size_t>(std::bit_width(code)) + 7) / 8;
}

}  // namespace

void ColumnEncoder::start(std::size_t content_bytes) {
    // No column takes more than its bytes, and all of them are the content.
    code_room_ = code_scratch_.room(content_bytes);
    text_room_ = text_scratch_.room(content_bytes);
    code_bytes_ = 0;
    text_bytes_ = 0;
    codes_.clear();
    texts_.clear();
}

ColumnHead ColumnEncoder::add(const SplitColumn& column) {
    const std::size_t text_start = text_bytes_;
    std::optional<ColumnHead> head = add_words(column);
    if (!head) {
        const LikelyForm likely = likely_form(column.bytes, column.place);
        if (likely.form == ColumnForm::uuid) {
            head = add_uuids(column);
        } else if (likely.form != ColumnForm::text) {
            head = add_values(column, likely.spelling);
        }
    }
    BytesView text = column.bytes;
    if (head) {
        text = BytesView(text_room_).subspan(text_start, text_bytes_ - text_start);
        end_codes(*head);
    } else {
        text_bytes_ = text_start;
        head = ColumnHead{.form = ColumnForm::text};
    }
    head->text_bytes = text.size();
    if (!text.empty()) {
        texts_.push_back(text);
    }
    return *head;
}

void ColumnEncoder::append_text(BytesView text) {
    if (!text.empty()) {
        std::memcpy(text_room_.data() + text_bytes_, text.data(), text.size());
        text_bytes_ += text.size();
    }
}

void ColumnEncoder::end_codes(const ColumnHead& head) {
    for (std::size_t byte = 0; byte < head.width; ++byte) {
        codes_.push_back(BytesView(code_room_).subspan(code_bytes_, head.fields));
        code_bytes_ += head.fields;
    }
}

std::optional<std::size_t> ColumnEncoder::word_codes(const SplitColumn& column) {
    const std::size_t words_max = std::min(kWordsMax, column.fields / kFieldsOfWord);
    words_.clear();
    field_words_.clear();
    slots_.assign(kSlots, 0);
    std::size_t dictionary_bytes = 0;
    for (std::size_t at = 0; at < column.bytes.size();) {
        const std::uint8_t* const field = column.bytes.data() + at;
        const std::size_t bytes = field_bytes(column.bytes.subspan(at), column.place);
        std::size_t slot = slot_of(field, bytes);
        for (; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
            const Word& word = words_[slots_[slot] - 1U];
            if (word.bytes == bytes &&
                std::memcmp(column.bytes.data() + word.begin, field, bytes) == 0) {
                break;
            }
        }
        if (slots_[slot] == 0) {
            if (words_.size() >=
                std::min(words_max, kWordsFirst + field_words_.size() / kFieldsOfWord)) {
                return std::nullopt;
            }
            words_.push_back({at, bytes});
            slots_[slot] = static_cast<std::uint16_t>(words_.size());
            dictionary_bytes += bytes;
        }
        field_words_.push_back(static_cast<std::uint16_t>(slots_[slot] - 1U));
        at += bytes;
    }
    return dictionary_bytes;
}

std::optional<ColumnHead> ColumnEncoder::add_words(const SplitColumn& column) {
    const std::optional<std::size_t> dictionary_bytes = word_codes(column);
    if (!dictionary_bytes) {
        return std::nullopt;
    }
    ColumnHead head{.form = ColumnForm::words,
                    .fields = column.fields,
                    .width = words_.size() <= kOneByteWords ? 1U : 2U,
                    .words = words_.size()};
    if (head.code_bytes() + *dictionary_bytes > column.bytes.size()) {
        return std::nullopt;
    }
    std::uint8_t* const low = code_room_.data() + code_bytes_;
    for (std::size_t field = 0; field < head.fields; ++field) {
        low[field] = static_cast<std::uint8_t>(field_words_[field]);
    }
    if (head.width == 2) {
        std::uint8_t* const high = low + head.fields;
        for (std::size_t field = 0; field < head.fields; ++field) {
            high[field] = static_cast<std::uint8_t>(field_words_[field] >> 8U);
        }
    }
    for (const Word& word : words_) {
        append_text(column.bytes.subspan(word.begin, word.bytes));
    }
    return head;
}

void ColumnEncoder::read_values(const SplitColumn& column, const ValueSpelling& spelling) {
    const std::uint8_t terminator = terminator_of(column.place);
    ValueParser parser(spelling);
    values_.clear();
    for (std::size_t at = 0; at < column.bytes.size();) {
        const BytesView rest = column.bytes.subspan(at);
        if (const SpeltValue spelt = parser.parse(rest, terminator); spelt.bytes > 0) {
            values_.push_back(spelt.value);
            at += spelt.bytes + 1;
        } else {
            const std::size_t bytes = field_bytes(rest, column.place);
            values_.push_back(kNoValue);
            append_text(rest.first(bytes));
            at += bytes;
        }
    }
}

std::optional<ColumnHead> ColumnEncoder::add_values(const SplitColumn& column,
                                                    const ValueSpelling& spelling) {
    const std::size_t text_start = text_bytes_;
    read_values(column, spelling);
    const auto first = std::find_if(values_.begin(), values_.end(),
                                    [](std::int64_t value) { return value != kNoValue; });
    if (first == values_.end()) {
        return std::nullopt;
    }
    std::int64_t least = *first;
    std::int64_t unit = 0;
    for (const std::int64_t value : values_) {
        if (value != kNoValue) {
            least = std::min(least, value);
            if (unit != 1) {
                unit = std::gcd(unit, value - *first);
            }
        }
    }
    unit = std::max<std::int64_t>(unit, 1);

    Count from_base;
    Count from_before;
    std::int64_t before = *first;
    for (const std::int64_t value : values_) {
        if (value != kNoValue) {
            from_base.add(code_from_base(value, least, unit));
            from_before.add(code_from_before(value, before, unit));
            before = value;
        }
    }
    const bool is_from_before = from_before.bits < from_base.bits;
    const Count& count = is_from_before ? from_before : from_base;
    ColumnHead head{.form = form_of(spelling.kind),
                    .fields = column.fields,
                    .width = bytes_of(count.code_max),
                    .spelling = spelling,
                    .from = is_from_before ? CountedFrom::before : CountedFrom::base,
                    .unit = static_cast<std::uint64_t>(unit),
                    .base = is_from_before ? *first : least};
    if (head.code_bytes() + (text_bytes_ - text_start) > column.bytes.size()) {
        return std::nullopt;
    }
    put_values(head);
    return head;
}

void ColumnEncoder::put_values(const ColumnHead& head) {
    std::uint8_t* const out = code_room_.data() + code_bytes_;
    const auto unit = static_cast<std::int64_t>(head.unit);
    std::int64_t before = head.base;
    for (std::size_t field = 0; field < values_.size(); ++field) {
        const std::int64_t value = values_[field];
        std::uint64_t code = 0;
        if (value != kNoValue && head.from == CountedFrom::base) {
            code = code_from_base(value, head.base, unit);
        } else if (value != kNoValue) {
            code = code_from_before(value, before, unit);
            before = value;
        }
        for (std::size_t byte = 0; byte < head.width; ++byte) {
            out[byte * head.fields + field] = static_cast<std::uint8_t>(code >> (8 * byte));
        }
    }
}

std::optional<ColumnHead> ColumnEncoder::add_uuids(const SplitColumn& column) {
    const std::uint8_t terminator = terminator_of(column.place);
    ColumnHead head{.form = ColumnForm::uuid, .fields = column.fields, .width = kUuidWidth};
    if (head.code_bytes() > column.bytes.size()) {
        return std::nullopt;
    }
    const std::size_t text_start = text_bytes_;
    std::uint8_t* out = code_room_.data() + code_bytes_;
    for (std::size_t at = 0; at < column.bytes.size(); ++out) {
        std::array<std::uint8_t, kUuidWidth> code{};
        const std::uint8_t* const field = column.bytes.data() + at;
        const bool is_uuid = at + kUuidTextBytes < column.bytes.size() &&
                             field[kUuidTextBytes] == terminator &&
                             parse_uuid(field, code.data() + 1);
        if (is_uuid) {
            code[0] = 1;
            at += kUuidTextBytes + 1;
        } else {
            code = {};
            const std::size_t bytes = field_bytes(column.bytes.subspan(at), column.place);
            append_text({field, bytes});
            at += bytes;
        }
        for (std::size_t byte = 0; byte < kUuidWidth; ++byte) {
            out[byte * head.fields] = code[byte];
        }
    }
    if (head.code_bytes() + (text_bytes_ - text_start) > column.bytes.size()) {
        return std::nullopt;
    }
    return head;
}

}  // namespace dbbackup
