/// @file
/// zstd-columns gives back any bytes, and takes less where columns are what they look like. Beside
/// the conformance suite: tables of every kind, damaged tables, and payloads that no writer writes.

#include "base/error.hpp"
#include "compress/compressor.hpp"
#include "compress/field_values.hpp"
#include "compress/leb128.hpp"
#include "compress/row_fields.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>
#include <random>
#include <string>

namespace dbbackup {
namespace {

using Random = std::mt19937_64;
using Field = std::function<std::string(Random&, std::size_t row)>;

std::string timestamp(std::uint64_t microseconds) {
    std::string text = fmt::format("2024-{:02}-{:02} {:02}:{:02}:{:02}", microseconds / 7 % 12 + 1,
                                   microseconds / 11 % 28 + 1, microseconds / 13 % 24,
                                   microseconds / 17 % 60, microseconds / 19 % 60);
    if (const std::uint64_t fraction = microseconds % 1'000'000; fraction > 0) {
        std::string digits = fmt::format(".{:06}", fraction);
        digits.erase(digits.find_last_not_of('0') + 1);
        text += digits;
    }
    return text + "+00";
}

std::string uuid(Random& random) {
    const std::uint64_t high = random();
    const std::uint64_t low = random();
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                       high & 0xffffU, low >> 48U, low & 0xffffffffffffU);
}

/// What columns hold.
const std::vector<Field>& kinds() {
    static const std::vector<Field> fields = {
        [](Random&, std::size_t row) { return std::to_string(row + 1); },
        [](Random& random, std::size_t) { return std::to_string(random() % 100'000); },
        [](Random& random, std::size_t) {
            return std::to_string(static_cast<std::int64_t>(random()) >> (random() % 64));
        },
        [](Random& random, std::size_t) {
            return fmt::format("{:.2f}", double(random() % 9999) / 100 - 20);
        },
        [](Random& random, std::size_t) { return timestamp(random()); },
        [](Random&, std::size_t row) { return timestamp(row * 3'000'000); },
        [](Random& random, std::size_t) {
            return fmt::format("20{:02}-0{}-1{}", random() % 30, random() % 9 + 1, random() % 10);
        },
        [](Random& random, std::size_t) { return uuid(random); },
        [](Random& random, std::size_t) { return std::string(random() % 2 == 0 ? "t" : "f"); },
        [](Random& random, std::size_t) { return fmt::format("state {}", random() % 700); },
        [](Random& random, std::size_t) {
            return std::string(random() % 40, 'x') + std::to_string(random());
        },
        [](Random&, std::size_t) { return std::string(); },
    };
    return fields;
}

/// Rows of columns of random kinds. NULLs and words stand where values are expected.
std::string table(std::size_t rows, Random& random) {
    std::vector<std::size_t> columns(1 + random() % 9);
    for (std::size_t& column : columns) {
        column = random() % kinds().size();
    }
    const unsigned odd_percent = random() % 3 == 0 ? static_cast<unsigned>(random() % 40) : 0;
    std::string text;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < columns.size(); ++column) {
            text += column > 0 ? "\t" : "";
            text += random() % 100 < odd_percent ? (random() % 2 == 0 ? "\\N" : "007")
                                                 : kinds()[columns[column]](random, row);
        }
        text += '\n';
    }
    return text;
}

class ZstdColumns : public testing::Test {
protected:
    Bytes pack(BytesView content) {
        std::optional<Bytes> packed =
            codec_->compress(content, {}, {}, std::numeric_limits<std::size_t>::max());
        EXPECT_TRUE(packed.has_value());
        return std::move(packed).value_or(Bytes{});
    }
    Bytes unpack(BytesView packed, std::size_t bytes) {
        return codec_->decompress(packed, {}, bytes);
    }
    void expect_same_again(BytesView content) {
        ASSERT_EQ(unpack(pack(content), content.size()), copy_of(content));
    }
    void expect_refused(BytesView packed, std::size_t bytes) {
        EXPECT_THROW(static_cast<void>(unpack(packed, bytes)), CorruptionError);
    }

    std::unique_ptr<Compressor> codec_ = make_compressor(Codec::zstd_columns, 0);
    std::unique_ptr<Compressor> zstd_ = make_compressor(Codec::zstd, 0);
    Random random_{0x5eed};
};

TEST_F(ZstdColumns, GiveBackTablesOfEveryKind) {
    for (int round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        const std::string text = table(random_() % 600, random_);
        ASSERT_NO_FATAL_FAILURE(expect_same_again(as_bytes(text)));
    }
}

TEST_F(ZstdColumns, GiveBackTablesThatWereCutOrDamaged) {
    constexpr std::string_view kBytes = "\t\n\\0-.: a\xff";
    for (int round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        std::string text = table(1 + random_() % 300, random_);
        text.erase(0, random_() % (text.size() / 2 + 1));
        text.resize(text.size() - random_() % (text.size() / 2 + 1));
        for (std::size_t place = random_() % 20; place > 0 && !text.empty(); --place) {
            text[random_() % text.size()] = kBytes[random_() % kBytes.size()];
        }
        ASSERT_NO_FATAL_FAILURE(expect_same_again(as_bytes(text)));
    }
}

TEST_F(ZstdColumns, GiveBackAnyBytes) {
    for (const std::string_view text :
         {"", "\n", "\t", "\t\t\t", "\n\n\n", "a", "1", "1\n", "1\t2\n3", "1\t2\n3\t",
          "1\t2\n3\n\t\t4\t5\t6", "\\N\n\\N\n", "-\n-\n", "1\n22\n333\n-",
          "2024-01-01\n2024-01-0"}) {
        ASSERT_NO_FATAL_FAILURE(expect_same_again(as_bytes(text))) << text;
    }
    for (const std::string_view letters : {std::string_view("\t\n"), std::string_view("\t\n0"),
                                           std::string_view("\t\n09-."), std::string_view("0\n")}) {
        for (int round = 0; round < 300; ++round) {
            std::string text(random_() % 3000, ' ');
            for (char& letter : text) {
                letter = letters[random_() % letters.size()];
            }
            ASSERT_NO_FATAL_FAILURE(expect_same_again(as_bytes(text)));
        }
    }
}

TEST_F(ZstdColumns, GiveBackMoreColumnsThanThereCanBe) {
    const std::string row = fmt::format("{:\t>{}}", "x\n", kColumnsMax + 10);
    std::string text;
    for (int rows = 0; rows < 4; ++rows) {
        text += row;
    }
    expect_same_again(as_bytes(text));
}

TEST_F(ZstdColumns, TakeLessThanRowsDo) {
    std::string text;
    for (std::size_t row = 0; row < 5000; ++row) {
        text +=
            fmt::format("{}\t{}\t{}\t{}\t{}\n", row, random_() % 100'000, timestamp(row * 977'001),
                        uuid(random_), random_() % 3 == 0 ? "shipped" : "new");
    }
    const Bytes columns = pack(as_bytes(text));
    const std::optional<Bytes> rows =
        zstd_->compress(as_bytes(text), {}, {}, std::numeric_limits<std::size_t>::max());
    EXPECT_LT(columns.size() * 10, rows->size() * 8);
    EXPECT_EQ(unpack(columns, text.size()), copy_of(as_bytes(text)));
}

TEST_F(ZstdColumns, TakeNextToNothingForWhatFollowsARule) {
    std::string text;
    for (std::size_t row = 0; row < 20'000; ++row) {
        text += fmt::format("{}\t{:.2f}\t{}\n", 1'000'000'007 + row * 10, double(row) * 0.25, "");
    }
    EXPECT_LT(pack(as_bytes(text)).size(), 300U);
}

/// A payload with one column, made by hand.
Bytes payload(std::initializer_list<std::uint64_t> numbers) {
    Bytes bytes{1};
    for (const std::uint64_t number : numbers) {
        append_leb128(number, bytes);
    }
    return bytes;
}

TEST_F(ZstdColumns, RefuseHeadsThatNoWriterWrites) {
    constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
    expect_refused({}, 0);
    expect_refused(Bytes{2, 1, 0, 0, 0}, 0);
    expect_refused(payload({0, 0}), 0);                      // no columns
    expect_refused(payload({kColumnsMax + 1, 0, 0, 0}), 0);  // too many
    expect_refused(payload({1, 6, 0, 0}), 10);               // an unknown form
    expect_refused(payload({1, 0, kHuge, 0}), 10);           // more text than content
    expect_refused(payload({2, 0, 6, 0, 6, 0}), 10);         // in two columns
    expect_refused(payload({1, 2, 0, kHuge, 1, 0, 0, 1, 0, 0}), 10);
    expect_refused(payload({1, 2, 0, 5, 3, 0, 0, 1, 0, 0}), 10);  // more codes than content
    expect_refused(payload({1, 2, 0, 5, 0, 0, 0, 1, 0, 0}), 10);  // codes of no bytes
    expect_refused(payload({1, 2, 0, 1, 9, 0, 0, 1, 0, 0}), 10);  // of too many
    expect_refused(payload({1, 1, 0, 1, 3, 0, 0}), 10);
    expect_refused(payload({1, 5, 0, 1, 16, 0}), 100);
    expect_refused(payload({1, 2, 0, 0, 1, kNumberDigitsMax + 1, 0, 1, 0, 0}), 0);
    expect_refused(payload({1, 4, 0, 0, 1, 8, 0, 0, 1, 0, 0}), 0);   // digits of a timestamp
    expect_refused(payload({1, 4, 0, 0, 1, 7, 17, 0, 1, 0, 0}), 0);  // a zone too long
    expect_refused(payload({1, 4, 0, 0, 1, 7, 9}), 0);               // and cut off
    expect_refused(payload({1, 2, 0, 0, 1, 0, 2, 1, 0, 0}), 0);      // counted from what?
    expect_refused(Bytes{1, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0},
                   0);
    EXPECT_EQ(unpack(payload({1, 0, 0, 0}), 0), Bytes());
    EXPECT_EQ(unpack(payload({1, 2, 0, 0, 1, 0, 0, 1, 0, 0}), 0), Bytes());
}

TEST_F(ZstdColumns, RefuseCodesThatMeanNothing) {
    const auto frame = [this](BytesView bytes) {
        return *zstd_->compress(bytes, {}, {}, std::numeric_limits<std::size_t>::max());
    };
    const auto with_frames = [&](Bytes head, BytesView codes, BytesView text) {
        const Bytes code_frame = codes.empty() ? Bytes() : frame(codes);
        const Bytes text_frame = text.empty() ? Bytes() : frame(text);
        append_leb128(code_frame.size(), head);
        head.insert(head.end(), code_frame.begin(), code_frame.end());
        head.insert(head.end(), text_frame.begin(), text_frame.end());
        return head;
    };
    // form 1: one word, and a code for another one.
    const Bytes words = payload({1, 1, 2, 3, 1, 1});
    EXPECT_EQ(as_text(unpack(with_frames(words, Bytes{0, 0, 0}, as_bytes("a\n")), 6)), "a\na\na\n");
    expect_refused(with_frames(words, Bytes{0, 1, 0}, as_bytes("a\n")), 6);
    expect_refused(with_frames(words, Bytes{0, 0, 0}, as_bytes("\n\n")), 6);  // two words
    expect_refused(with_frames(payload({1, 1, 2, 3, 1, 2}), Bytes{0, 1, 0}, as_bytes("a\n")), 6);
    // A field without terminator that is not the last one.
    expect_refused(with_frames(words, Bytes{0, 0, 0}, as_bytes("ab")), 6);
    // form 2: an exception without text; one more value than the content holds; one less.
    const Bytes numbers = payload({1, 2, 0, 3, 1, 0, 0, 1, 0});
    EXPECT_EQ(as_text(unpack(with_frames(numbers, Bytes{1, 2, 3}, {}), 6)), "0\n1\n2\n");
    expect_refused(with_frames(numbers, Bytes{1, 0, 3}, {}), 6);
    expect_refused(with_frames(numbers, Bytes{1, 2, 3}, {}), 4);
    expect_refused(with_frames(numbers, Bytes{1, 2, 3}, {}), 8);
    expect_refused(with_frames(numbers, Bytes{1, 2, 11}, {}), 6);  // the last one has two digits
    expect_refused(
        with_frames(payload({1, 3, 0, 1, 4, 0, 1, 0}), Bytes{0xff, 0xff, 0xff, 0xff}, {}), 11);
    // Text that is left over.
    expect_refused(
        with_frames(payload({1, 2, 2, 3, 1, 0, 0, 1, 0}), Bytes{1, 2, 3}, as_bytes("x\n")), 6);
}

}  // namespace
}  // namespace dbbackup
