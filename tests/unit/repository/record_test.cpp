#include "repository/record.hpp"

#include "base/error.hpp"
#include "sample_keys.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

const ObjectName kName("runs/0123456789abcdef/0");

/// Every test holds for both ciphers.
class RecordTest : public testing::TestWithParam<Cipher> {
protected:
    const Keys keys_ = sample_keys(GetParam());
    const std::vector<std::string> sections_ = {"short", std::string(3000, 'x') + "end", ""};

    [[nodiscard]] Bytes encoded() const {
        return encode_record(keys_, kName, RecordKind::manifest, sections_);
    }
};

INSTANTIATE_TEST_SUITE_P(Ciphers, RecordTest, testing::Values(Cipher::none, Cipher::aes_256_gcm),
                         [](const auto& kind) {
                             return kind.param == Cipher::none ? "Unencrypted" : "Encrypted";
                         });

std::vector<std::string> texts(const Record& record) {
    std::vector<std::string> all;
    for (const Bytes& section : record.sections) {
        all.emplace_back(as_text(section));
    }
    return all;
}

TEST_P(RecordTest, GivesBackWhatWasWritten) {
    const Record record = decode_record(keys_, kName, encoded());
    EXPECT_EQ(record.kind, RecordKind::manifest);
    EXPECT_EQ(texts(record), sections_);
}

TEST_P(RecordTest, CompressesSectionsThatShrink) { EXPECT_LT(encoded().size(), 400U); }

TEST_P(RecordTest, IsNeverTheSameTwice) { EXPECT_NE(encoded(), encoded()); }

TEST_P(RecordTest, FindsAChangeOfEveryByte) {
    const Bytes good = encoded();
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const std::uint8_t flip : std::initializer_list<std::uint8_t>{0x01, 0x80, 0xff}) {
            Bytes bad = good;
            bad[at] ^= flip;
            EXPECT_THROW(static_cast<void>(decode_record(keys_, kName, bad)), CorruptionError)
                << "byte " << at;
        }
    }
}

TEST_P(RecordTest, NamesTheObjectAndSaysWhatToDo) {
    Bytes bad = encoded();
    bad.back() ^= 1U;
    try {
        static_cast<void>(decode_record(keys_, kName, bad));
        FAIL() << "the damage was not found";
    } catch (const CorruptionError& error) {
        EXPECT_NE(std::string(error.what()).find(kName.text()), std::string::npos) << error.what();
        EXPECT_FALSE(error.hint().empty());
    }
}

TEST_P(RecordTest, IsRefusedAsAnotherKindThanItMayBe) {
    const auto decoded = [&](std::initializer_list<RecordKind> kinds) {
        return decode_record(keys_, kName, encoded(), kinds).kind;
    };
    EXPECT_EQ(decoded({RecordKind::manifest}), RecordKind::manifest);
    EXPECT_EQ(decoded({RecordKind::tombstone, RecordKind::manifest}), RecordKind::manifest);
    try {
        static_cast<void>(decoded({RecordKind::tombstone, RecordKind::index}));
        FAIL() << "a manifest was taken for an index";
    } catch (const CorruptionError& error) {
        EXPECT_EQ(std::string(error.what()), kName.text() + " holds a record of another kind");
    }
}

TEST_P(RecordTest, FindsEveryTruncation) {
    const Bytes good = encoded();
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_THROW(static_cast<void>(decode_record(keys_, kName, BytesView(good).first(size))),
                     CorruptionError)
            << "cut to " << size;
    }
}

TEST_P(RecordTest, FindsWhatFollowsTheEnd) {
    Bytes longer = encoded();
    longer.push_back(0);
    EXPECT_THROW(static_cast<void>(decode_record(keys_, kName, longer)), CorruptionError);
}

TEST_P(RecordTest, IsRefusedUnderAnotherName) {
    EXPECT_THROW(
        static_cast<void>(decode_record(keys_, ObjectName("runs/0123456789abcdef/1"), encoded())),
        CorruptionError);
}

TEST_P(RecordTest, IsRefusedInAnotherRepository) {
    const Keys other = sample_keys(GetParam(), '2');
    EXPECT_THROW(static_cast<void>(decode_record(other, kName, encoded())), CorruptionError);
}

TEST_P(RecordTest, IsRefusedWithSectionsOfAnotherRecord) {
    const Bytes one = encode_record(keys_, kName, RecordKind::run, sections_);
    const Bytes two = encoded();
    // Same lengths; only kind and salt differ. The header of one with the sections of the other:
    Bytes mixed(one.begin(), one.begin() + 52);
    mixed.insert(mixed.end(), two.begin() + 52, two.end());
    EXPECT_THROW(static_cast<void>(decode_record(keys_, kName, mixed)), CorruptionError);
}

TEST_P(RecordTest, IsRefusedUnderTheOtherCipher) {
    const Keys other = sample_keys(GetParam() == Cipher::none ? Cipher::aes_256_gcm : Cipher::none);
    EXPECT_THROW(static_cast<void>(decode_record(other, kName, encoded())), CorruptionError);
}

TEST_P(RecordTest, TheFirstSectionIsReadFromTheBeginningAlone) {
    const Bytes good = encoded();
    const std::size_t head = record_head_bytes(good);
    ASSERT_LT(head, good.size());
    for (std::size_t size = 0; size < head; ++size) {
        const BytesView beginning = BytesView(good).first(size);
        if (size < 40 || size >= 52) {
            EXPECT_FALSE(decode_first_section(keys_, kName, beginning)) << size << " bytes";
        }
    }
    const auto record = decode_first_section(keys_, kName, BytesView(good).first(head));
    ASSERT_TRUE(record);
    EXPECT_EQ(texts(*record), std::vector<std::string>{"short"});
}

TEST_P(RecordTest, AChangedHeadIsFoundWithoutTheRest) {
    const Bytes good = encoded();
    const std::size_t head = record_head_bytes(good);
    for (std::size_t at = 0; at < head; ++at) {
        Bytes bad(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(head));
        bad[at] ^= 1U;
        std::optional<Record> record;
        try {
            record = decode_first_section(keys_, kName, bad);
        } catch (const CorruptionError&) {
            // As good as a section of nothing.
        }
        EXPECT_FALSE(record) << "byte " << at;
    }
}

}  // namespace
}  // namespace dbbackup
