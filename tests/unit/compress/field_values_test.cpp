#include "compress/field_values.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

namespace dbbackup {
namespace {

const ValueSpelling kWhole{ValueKind::number, 0};
const ValueSpelling kCents{ValueKind::number, 2};
const ValueSpelling kDate{ValueKind::date};
const ValueSpelling kSeconds{ValueKind::timestamp, 0};
const ValueSpelling kMicroseconds{ValueKind::timestamp, 6};
const ValueSpelling kTrimmed{ValueKind::timestamp, kTrimmedDigits, "+00"};

SpeltValue parse(const ValueSpelling& spelling, std::string text) {
    const std::size_t bytes = text.size() + 1;
    text += '\t';
    text.resize(bytes + kParserSlackBytes, '\0');
    return ValueParser(spelling).parse(as_bytes(text).first(bytes), '\t');
}

std::string print(const ValueSpelling& spelling, std::int64_t value) {
    std::string text(kValueBytesMax, '?');
    text.resize(ValuePrinter(spelling).print(value, reinterpret_cast<std::uint8_t*>(text.data())));
    return text;
}

void expect_value(const ValueSpelling& spelling, const std::string& text, std::int64_t value) {
    SCOPED_TRACE(text);
    const SpeltValue spelt = parse(spelling, text);
    EXPECT_EQ(spelt.bytes, text.size());
    EXPECT_EQ(spelt.value, value);
    EXPECT_EQ(print(spelling, value), text);
}

void expect_none(const ValueSpelling& spelling, const std::string& text) {
    EXPECT_EQ(parse(spelling, text).bytes, 0U) << text;
}

TEST(FieldValues, AreWholeNumbersSpeltInOneWay) {
    expect_value(kWhole, "0", 0);
    expect_value(kWhole, "7", 7);
    expect_value(kWhole, "-12345678", -12'345'678);
    expect_value(kWhole, "123456789", 123'456'789);
    expect_value(kWhole, "999999999999999999", 999'999'999'999'999'999);
    expect_value(kWhole, "-999999999999999999", -999'999'999'999'999'999);
    for (const char* text :
         {"", "-", "-0", "00", "01", "-01", "+1", "1.0", "1e3", " 1", "1 ", "\\N",
          "1000000000000000000", "00000000000000000000000000000001", "a", "1:"}) {
        expect_none(kWhole, text);
    }
}

TEST(FieldValues, AreDecimalsOfOneScale) {
    expect_value(kCents, "0.00", 0);
    expect_value(kCents, "0.05", 5);
    expect_value(kCents, "-0.05", -5);
    expect_value(kCents, "766.37", 76'637);
    expect_value(kCents, "9999999999999999.99", 999'999'999'999'999'999);
    for (const char* text : {"1", "1.", "1.0", "1.000", ".05", "-.05", "-0.00", "00.05", "1.0a",
                             "1..0", "NaN", "99999999999999999.99"}) {
        expect_none(kCents, text);
    }
}

TEST(FieldValues, AreDatesOfTheCalendar) {
    expect_value(kDate, "1970-01-01", 0);
    expect_value(kDate, "1969-12-31", -1);
    expect_value(kDate, "2000-02-29", 11'016);
    expect_value(kDate, "0001-01-01", -719'162);
    expect_value(kDate, "9999-12-31", 2'932'896);
    for (const char* text : {"0000-01-01", "2001-02-29", "1900-02-29", "2024-13-01", "2024-00-10",
                             "2024-04-31", "2024-1-01", "2024/01/01", "10000-01-01", "infinity",
                             "2024-01-01 BC", "0000-00-00", "2024-01-0", "2024-01-011"}) {
        expect_none(kDate, text);
    }
}

TEST(FieldValues, AreTimestampsWithTheirFractions) {
    expect_value(kSeconds, "1970-01-01 00:00:01", 1);
    expect_value(kSeconds, "1969-12-31 23:59:59", -1);
    expect_value(kMicroseconds, "1970-01-01 00:00:00.500000", 500'000);
    expect_value(kTrimmed, "1970-01-01 00:00:00+00", 0);
    expect_value(kTrimmed, "1970-01-01 00:00:01.5+00", 1'500'000);
    expect_value(kTrimmed, "1969-12-31 23:59:59.999999+00", -1);
    expect_value(kTrimmed, "9999-12-31 23:59:59.000001+00", 253'402'300'799'000'001);
    for (const char* text :
         {"1970-01-01 00:00:01.50+00", "1970-01-01 00:00:01.+00", "1970-01-01 00:00:01.0+00",
          "1970-01-01 00:00:01.1234567+00", "1970-01-01 24:00:00+00", "1970-01-01 00:60:00+00",
          "1970-01-01 00:00:60+00", "1970-01-01T00:00:00+00", "1970-01-01 00:00:00",
          "1970-01-01 00:00:00+01", "1970-01-01", "-infinity", "1970-01-01 00:00:00+00 BC"}) {
        expect_none(kTrimmed, text);
    }
    expect_none(kSeconds, "1970-01-01 00:00:01.5");
    expect_none(kMicroseconds, "1970-01-01 00:00:01.50000");
}

TEST(FieldValues, ArePrintedOnlyWhereThereAreSuch) {
    EXPECT_EQ(print(kDate, 2'932'897), "");
    EXPECT_EQ(print(kDate, -719'163), "");
    for (const std::int64_t value :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        EXPECT_EQ(print(kDate, value), "");
        EXPECT_EQ(print(kSeconds, value), "");
        EXPECT_EQ(print(kWhole, value), std::to_string(value));
        EXPECT_LE(print({ValueKind::number, kNumberDigitsMax}, value).size(), 22U);
    }
}

TEST(FieldValues, ThatArePrintedAreReadAgain) {
    std::mt19937_64 random(0x5eed);
    constexpr std::int64_t kAllDigits = 1'000'000'000'000'000'000;
    for (int round = 0; round < 20'000; ++round) {
        const unsigned shift = static_cast<unsigned>(random() % 60);
        const auto value = static_cast<std::int64_t>(random()) >> shift;
        for (const unsigned digits : {0U, 1U, 6U, kNumberDigitsMax}) {
            const ValueSpelling spelling{ValueKind::number, digits};
            expect_value(spelling, print(spelling, value % kAllDigits), value % kAllDigits);
        }
        const std::int64_t day = value % 700'000;
        expect_value(kDate, print(kDate, day), day);
        const std::int64_t moment = value % 60'000'000'000'000'000;
        expect_value(kTrimmed, print(kTrimmed, moment), moment);
        expect_value(kMicroseconds, print(kMicroseconds, moment), moment);
        if (HasFailure()) {
            return;
        }
    }
}

TEST(FieldValues, ShowHowTheirColumnIsSpelt) {
    const auto spelling = [](const char* text) { return spelling_of(as_bytes(text)); };
    EXPECT_EQ(spelling("42"), kWhole);
    EXPECT_EQ(spelling("-7.25"), kCents);
    EXPECT_EQ(spelling("2024-02-29"), kDate);
    EXPECT_EQ(spelling("2024-02-29 12:00:00"), kSeconds);
    EXPECT_EQ(spelling("2024-02-29 12:00:00.120000"), kMicroseconds);
    EXPECT_EQ(spelling("2024-02-29 12:00:00.5-03:30"),
              (ValueSpelling{ValueKind::timestamp, 1, "-03:30"}));
    for (const char* text :
         {"", "abc", "1.", "2024-02-30", "12:00:00", "1.0000000000000001",
          "2024-02-29 12:00:00.1234567", "2024-02-29 12:00:00 a far too long zone",
          "6ccd780c-baba-1026-9564-5b8c656024db"}) {
        EXPECT_EQ(spelling(text), std::nullopt) << text;
    }
}

TEST(FieldValues, AreUuidsInLowerCase) {
    const std::string text = "6ccd780c-baba-1026-9564-5b8c656024db";
    Bytes uuid(kUuidBytes);
    ASSERT_TRUE(parse_uuid(as_bytes(text).data(), uuid.data()));
    EXPECT_EQ(to_hex(uuid), "6ccd780cbaba102695645b8c656024db");
    Bytes printed(kUuidTextBytes);
    print_uuid(uuid.data(), printed.data());
    EXPECT_EQ(as_text(printed), text);
    for (std::size_t place = 0; place < text.size(); ++place) {
        for (const char wrong : {'A', 'g', 'x', '/', ':', '-', '0', '\0'}) {
            std::string other = text;
            other[place] = wrong;
            const bool is_hyphen = text[place] == '-';
            const bool is_uuid = is_hyphen ? wrong == '-' : wrong == '0';
            EXPECT_EQ(parse_uuid(as_bytes(other).data(), uuid.data()), is_uuid) << other;
        }
    }
}

}  // namespace
}  // namespace dbbackup
