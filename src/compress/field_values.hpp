#pragma once

/// @file
/// Fields whose text is the one spelling of a value: whole numbers, decimals, dates, timestamps and
/// UUIDs as databases print them. What is spelt in another way is not read as a value, so that
/// print(parse(text)) is always text.

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace dbbackup {

enum class ValueKind : std::uint8_t {
    number,  ///< `-?(0|[1-9][0-9]*)`, with a point and `digits` digits unless these are 0; no -0.
    date,    ///< `YYYY-MM-DD`, years 0001 to 9999 of the Gregorian calendar.
    timestamp,  ///< A date, a space, `HH:MM:SS`, the fraction, then `zone`.
};

/// How all values of one column are spelt.
struct ValueSpelling {
    ValueKind kind = ValueKind::number;
    /// Digits behind the point. Timestamps: as many always, or `kTrimmedDigits`: up to six, of
    /// which the last is not 0, and no point without digits.
    unsigned digits = 0;
    std::string zone = {};  ///< Timestamps only: what stands behind each, such as `+00`.

    friend bool operator==(const ValueSpelling&, const ValueSpelling&) = default;
};

inline constexpr unsigned kNumberDigitsMax = 15;  ///< Behind the point.
inline constexpr unsigned kFractionDigitsMax = 6;
inline constexpr unsigned kTrimmedDigits = 7;
inline constexpr std::size_t kZoneBytesMax = 16;
/// No value of any spelling has more bytes.
inline constexpr std::size_t kValueBytesMax = 64;

/// The parser looks at text in words.
inline constexpr std::size_t kParserSlackBytes = 16;

/// The value that a field starts with, and how many bytes spell it: 0 when it is no value. No
/// `optional`, which compilers pass in memory: this is in the innermost loop.
struct SpeltValue {
    /// Numbers: without the point. Dates: days since 1970. Timestamps: since 1970, in units of the
    /// last digit (trimmed: of microseconds).
    std::int64_t value = 0;
    std::size_t bytes = 0;
};

/// Reads the values of one column. Remembers the last date, since neighbours often share it.
class ValueParser {
public:
    explicit ValueParser(ValueSpelling spelling) : spelling_(std::move(spelling)) {}

    /// The value in front of `text`, if `terminator` stands right behind it.
    /// @param text Starts with the field, is not empty, and ends at any place behind the field.
    ///        Behind its end are kParserSlackBytes that may be read, the first of them no digit.
    [[nodiscard]] SpeltValue parse(BytesView text, std::uint8_t terminator);

private:
    [[nodiscard]] std::optional<std::int64_t> days(BytesView text);
    [[nodiscard]] SpeltValue timestamp(BytesView text);

    ValueSpelling spelling_;
    Bytes last_date_;
    std::int64_t last_days_ = 0;
};

/// Writes the values of one column.
class ValuePrinter {
public:
    explicit ValuePrinter(ValueSpelling spelling) : spelling_(std::move(spelling)) {}

    /// Writes at most kValueBytesMax bytes to `out`.
    /// @return How many; 0 when there is no such value.
    [[nodiscard]] std::size_t print(std::int64_t value, std::uint8_t* out);

private:
    [[nodiscard]] std::size_t timestamp(std::int64_t value, std::uint8_t* out);
    [[nodiscard]] std::size_t date(std::int64_t days, std::uint8_t* out);

    ValueSpelling spelling_;
    Bytes last_date_;
    std::optional<std::int64_t> last_days_;
};

/// How the values of a column are spelt to which `field` belongs; nothing when it is no value.
/// Digits of a fraction of a second are those of this field.
/// @param field Without its terminator.
[[nodiscard]] std::optional<ValueSpelling> spelling_of(BytesView field);

inline constexpr std::size_t kUuidBytes = 16;
inline constexpr std::size_t kUuidTextBytes = 36;

/// Reads 36 lower-case characters. @return false when they are no UUID; `out` then holds anything.
[[nodiscard]] bool parse_uuid(const std::uint8_t* text, std::uint8_t* out);
/// Writes 36 characters.
void print_uuid(const std::uint8_t* bytes, std::uint8_t* out);

}  // namespace dbbackup
