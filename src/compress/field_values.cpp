#include "compress/field_values.hpp"

#include "compress/byte_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kDateBytes = 10;
constexpr std::size_t kSecondBytes = 19;      ///< Of a timestamp without fraction and zone.
constexpr std::size_t kNumberDigitsAll = 18;  ///< More might not fit into 64 bits.
constexpr std::int64_t kSecondsOfDay = 86'400;

constexpr std::array<std::int64_t, kNumberDigitsMax + 1> kPowers = [] {
    std::array<std::int64_t, kNumberDigitsMax + 1> powers{1};
    for (std::size_t at = 1; at < powers.size(); ++at) {
        powers[at] = powers[at - 1] * 10;
    }
    return powers;
}();

/// What stands behind a field that was taken out of its column: in no text of a database.
constexpr std::uint8_t kFieldEnd = 0;

constexpr bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

/// A run of digits, and the number that it spells if these are not too many.
struct Digits {
    std::uint64_t value = 0;
    std::size_t count = 0;
    const std::uint8_t* end = nullptr;
};

/// @param value What the digits before these spell.
inline Digits take_digits(const std::uint8_t* at, std::uint64_t value) {
    using namespace byte_words;
    Digits digits{value, 0, at};
    for (;;) {
        const std::uint64_t word = word_at(digits.end);
        const std::size_t count = count_digits(word);
        if (count > 0) {
            digits.value =
                digits.value * static_cast<std::uint64_t>(kPowers[count]) + number_of(word, count);
            digits.count += count;
            digits.end += count;
        }
        if (count < kWordBytes) {
            return digits;
        }
    }
}

SpeltValue parse_number(const std::uint8_t* text, unsigned digits_behind) {
    const bool is_negative = *text == '-';
    const Digits whole = take_digits(text + (is_negative ? 1 : 0), 0);
    if (whole.count == 0 || (whole.count > 1 && *(whole.end - whole.count) == '0')) {
        return {};
    }
    Digits all = whole;
    if (digits_behind > 0) {
        if (*whole.end != '.') {
            return {};
        }
        all = take_digits(whole.end + 1, whole.value);
        if (all.count != digits_behind) {
            return {};
        }
        all.count += whole.count;
    }
    if (all.count > kNumberDigitsAll || (is_negative && all.value == 0)) {
        return {};
    }
    const auto magnitude = static_cast<std::int64_t>(all.value);
    return {is_negative ? -magnitude : magnitude, static_cast<std::size_t>(all.end - text)};
}

/// The number of two digits, or nothing.
constexpr std::optional<unsigned> two_digits(const std::uint8_t* text) {
    if (!is_digit(text[0]) || !is_digit(text[1])) {
        return std::nullopt;
    }
    return (text[0] - unsigned{'0'}) * 10 + (text[1] - unsigned{'0'});
}

void put_two(unsigned value, std::uint8_t* out) {
    out[0] = static_cast<std::uint8_t>('0' + value / 10);
    out[1] = static_cast<std::uint8_t>('0' + value % 10);
}

/// Writes `value` with exactly `digits` digits.
void put_digits(std::uint64_t value, unsigned digits, std::uint8_t* out) {
    for (unsigned at = digits; at > 0; --at) {
        out[at - 1] = static_cast<std::uint8_t>('0' + value % 10);
        value /= 10;
    }
}

/// Units of the value in a second.
std::int64_t units_of_second(const ValueSpelling& spelling) {
    return kPowers[std::min(spelling.digits, kFractionDigitsMax)];
}

std::size_t print_number(std::int64_t value, unsigned digits, std::uint8_t* out) {
    std::size_t at = 0;
    auto rest = static_cast<std::uint64_t>(value);
    if (value < 0) {
        out[at++] = '-';
        rest = 0 - rest;
    }
    const auto power = static_cast<std::uint64_t>(kPowers[digits]);
    const std::uint64_t whole = digits == 0 ? rest : rest / power;
    char* const text = reinterpret_cast<char*>(out);  // may alias, as in base/bytes.hpp
    at =
        static_cast<std::size_t>(std::to_chars(text + at, text + kValueBytesMax, whole).ptr - text);
    if (digits > 0) {
        out[at++] = '.';
        put_digits(rest - whole * power, digits, out + at);
        at += digits;
    }
    return at;
}

constexpr unsigned kNoHexDigit = 0x80;
constexpr std::array<std::uint8_t, 256> kHexValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoHexDigit);
    for (std::uint8_t value = 0; value < 16; ++value) {
        values[static_cast<std::size_t>(value < 10 ? '0' + value : 'a' + value - 10)] = value;
    }
    return values;
}();

/// Where a UUID has its hyphens. Source: RFC 9562 section 4.
constexpr bool is_hyphen_at(std::size_t place) {
    return place == 8 || place == 13 || place == 18 || place == 23;
}

}  // namespace

SpeltValue ValueParser::parse(BytesView text, std::uint8_t terminator) {
    SpeltValue spelt;
    switch (spelling_.kind) {
        case ValueKind::number: spelt = parse_number(text.data(), spelling_.digits); break;
        case ValueKind::date:
            if (const std::optional<std::int64_t> found = days(text)) {
                spelt = {*found, kDateBytes};
            }
            break;
        case ValueKind::timestamp: spelt = timestamp(text); break;
    }
    const bool is_field = spelt.bytes < text.size() && text[spelt.bytes] == terminator;
    return is_field ? spelt : SpeltValue{};
}

std::optional<std::int64_t> ValueParser::days(BytesView text) {
    if (text.size() < kDateBytes) {
        return std::nullopt;
    }
    if (!last_date_.empty() && std::memcmp(text.data(), last_date_.data(), kDateBytes) == 0) {
        return last_days_;
    }
    const std::optional<unsigned> century = two_digits(text.data());
    const std::optional<unsigned> year = two_digits(text.data() + 2);
    const std::optional<unsigned> month = two_digits(text.data() + 5);
    const std::optional<unsigned> day = two_digits(text.data() + 8);
    if (!century || !year || !month || !day || text[4] != '-' || text[7] != '-') {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{
        std::chrono::year(static_cast<int>(*century * 100 + *year)), std::chrono::month(*month),
        std::chrono::day(*day)};
    if (!date.ok() || date.year() < std::chrono::year(1)) {
        return std::nullopt;
    }
    last_date_.assign(text.begin(), text.begin() + kDateBytes);
    last_days_ = std::chrono::sys_days(date).time_since_epoch().count();
    return last_days_;
}

SpeltValue ValueParser::timestamp(BytesView text) {
    if (text.size() < kSecondBytes) {
        return {};
    }
    const std::optional<std::int64_t> date = days(text);
    const std::optional<unsigned> hour = two_digits(text.data() + 11);
    const std::optional<unsigned> minute = two_digits(text.data() + 14);
    const std::optional<unsigned> second = two_digits(text.data() + 17);
    if (!date || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59 ||
        text[10] != ' ' || text[13] != ':' || text[16] != ':') {
        return {};
    }
    std::size_t at = kSecondBytes;
    std::int64_t fraction = 0;
    unsigned digits = 0;
    if (spelling_.digits > 0 && at < text.size() && text[at] == '.') {
        for (++at; at < text.size() && is_digit(text[at]) && digits < kFractionDigitsMax; ++at) {
            fraction = fraction * 10 + (text[at] - '0');
            ++digits;
        }
        if (digits == 0) {
            return {};
        }
    }
    if (spelling_.digits == kTrimmedDigits) {
        if (digits > 0 && text[at - 1] == '0') {
            return {};
        }
        fraction *= kPowers[kFractionDigitsMax - digits];
    } else if (digits != spelling_.digits) {
        return {};
    }
    const std::string_view rest = as_text(text.subspan(at));
    if (!rest.starts_with(spelling_.zone)) {
        return {};
    }
    const std::int64_t seconds =
        *date * kSecondsOfDay + (std::int64_t{*hour} * 60 + *minute) * 60 + *second;
    return {seconds * units_of_second(spelling_) + fraction, at + spelling_.zone.size()};
}

std::size_t ValuePrinter::print(std::int64_t value, std::uint8_t* out) {
    switch (spelling_.kind) {
        case ValueKind::number: return print_number(value, spelling_.digits, out);
        case ValueKind::date: return date(value, out);
        case ValueKind::timestamp: return timestamp(value, out);
    }
    return 0;
}

std::size_t ValuePrinter::date(std::int64_t days, std::uint8_t* out) {
    using namespace std::chrono;
    constexpr std::int64_t kFirst = sys_days(year(1) / 1 / 1).time_since_epoch().count();
    constexpr std::int64_t kLast = sys_days(year(9999) / 12 / 31).time_since_epoch().count();
    if (days < kFirst || days > kLast) {
        return 0;
    }
    if (last_days_ != days) {
        const year_month_day date{sys_days{std::chrono::days{days}}};
        last_date_.assign(kDateBytes, '-');
        put_digits(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4, last_date_.data());
        put_two(static_cast<unsigned>(date.month()), last_date_.data() + 5);
        put_two(static_cast<unsigned>(date.day()), last_date_.data() + 8);
        last_days_ = days;
    }
    std::memcpy(out, last_date_.data(), kDateBytes);
    return kDateBytes;
}

std::size_t ValuePrinter::timestamp(std::int64_t value, std::uint8_t* out) {
    const std::int64_t units = units_of_second(spelling_);
    const std::int64_t units_of_day = kSecondsOfDay * units;
    const std::int64_t day = value / units_of_day - (value % units_of_day < 0 ? 1 : 0);
    if (date(day, out) == 0) {
        return 0;
    }
    const std::int64_t of_day = value - day * units_of_day;
    const auto second = static_cast<unsigned>(of_day / units);
    auto fraction = static_cast<std::uint64_t>(of_day % units);
    out[10] = ' ';
    put_two(second / 3600, out + 11);
    out[13] = ':';
    put_two(second / 60 % 60, out + 14);
    out[16] = ':';
    put_two(second % 60, out + 17);
    std::size_t at = kSecondBytes;
    unsigned digits = spelling_.digits;
    if (digits == kTrimmedDigits) {
        digits = fraction == 0 ? 0 : kFractionDigitsMax;
        for (; digits > 0 && fraction % 10 == 0; --digits) {
            fraction /= 10;
        }
    }
    if (digits > 0) {
        out[at++] = '.';
        put_digits(fraction, digits, out + at);
        at += digits;
    }
    std::memcpy(out + at, spelling_.zone.data(), spelling_.zone.size());
    return at + spelling_.zone.size();
}

std::optional<ValueSpelling> spelling_of(BytesView field) {
    Bytes room(field.begin(), field.end());
    room.resize(field.size() + kParserSlackBytes, kFieldEnd);
    const BytesView text = BytesView(room).first(field.size() + 1);
    const auto fits = [text](const ValueSpelling& spelling) {
        const SpeltValue spelt = ValueParser(spelling).parse(text, kFieldEnd);
        return spelt.bytes > 0 && spelt.bytes + 1 == text.size();
    };
    const auto point = std::find(field.begin(), field.end(), '.');
    const std::size_t behind = static_cast<std::size_t>(field.end() - point);
    ValueSpelling spelling;
    spelling.digits = behind == 0 ? 0 : static_cast<unsigned>(behind - 1);
    if (spelling.digits <= kNumberDigitsMax && fits(spelling)) {
        return spelling;
    }
    spelling = {ValueKind::date};
    if (fits(spelling)) {
        return spelling;
    }
    if (field.size() < kSecondBytes) {
        return std::nullopt;
    }
    std::size_t zone = kSecondBytes;
    if (zone < field.size() && field[zone] == '.') {
        for (++zone; zone < field.size() && is_digit(field[zone]); ++zone) {
        }
    }
    const std::size_t digits = zone == kSecondBytes ? 0 : zone - kSecondBytes - 1;
    if (digits > kFractionDigitsMax || field.size() - zone > kZoneBytesMax) {
        return std::nullopt;
    }
    spelling = {ValueKind::timestamp, static_cast<unsigned>(digits),
                std::string(as_text(field.subspan(zone)))};
    return fits(spelling) ? std::optional(spelling) : std::nullopt;
}

bool parse_uuid(const std::uint8_t* text, std::uint8_t* out) {
    unsigned all = 0;
    std::size_t place = 0;
    for (std::size_t at = 0; at < kUuidBytes; ++at) {
        if (is_hyphen_at(place)) {
            all |= text[place] == '-' ? 0 : kNoHexDigit;
            ++place;
        }
        const unsigned high = kHexValues[text[place]];
        const unsigned low = kHexValues[text[place + 1]];
        all |= high | low;
        out[at] = static_cast<std::uint8_t>((high << 4U) | (low & 0xfU));
        place += 2;
    }
    return all < kNoHexDigit;
}

void print_uuid(const std::uint8_t* bytes, std::uint8_t* out) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::size_t place = 0;
    for (std::size_t at = 0; at < kUuidBytes; ++at) {
        if (is_hyphen_at(place)) {
            out[place++] = '-';
        }
        out[place++] = static_cast<std::uint8_t>(kDigits[bytes[at] >> 4U]);
        out[place++] = static_cast<std::uint8_t>(kDigits[bytes[at] & 0xfU]);
    }
}

}  // namespace dbbackup
