#include "connector/postgres/counted_rows.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// Keeps the rows that it is given.
class KeepingSink final : public SegmentSink {
public:
    void pages(std::uint64_t, BytesView) override { ADD_FAILURE(); }
    void opaque(BytesView) override { ADD_FAILURE(); }
    void rows(BytesView bytes, std::span<const std::uint32_t> ends) override {
        std::size_t start = 0;
        for (const std::uint32_t end : ends) {
            kept.emplace_back(as_text(bytes.subspan(start, end - start)));
            start = end;
        }
        EXPECT_EQ(start, bytes.size());
    }

    std::vector<std::string> kept;
};

class CountedRowsTest : public ::testing::Test {
protected:
    void add(const std::vector<std::string_view>& rows) {
        std::string text;
        std::vector<std::uint32_t> ends;
        for (const std::string_view row : rows) {
            text += row;
            ends.push_back(static_cast<std::uint32_t>(text.size()));
        }
        counted_.add(as_bytes(text), ends);
    }

    KeepingSink sink_;
    CountedRows counted_{sink_};
};

TEST_F(CountedRowsTest, GivesAllOn) {
    add({"a\n", "bc\n"});
    add({});
    add({"\n"});
    EXPECT_EQ(sink_.kept, (std::vector<std::string>{"a\n", "bc\n", "\n"}));
    EXPECT_EQ(counted_.bytes(), 6U);
}

TEST_F(CountedRowsTest, WhoBeginsAgainGivesNothingTwice) {
    add({"a\n", "bc\n"});
    add({"d\n"});
    counted_.begin_again();
    add({"a\n"});
    add({"bc\n", "d\n", "efg\n", "\n"});  // Cut otherwise than before.
    counted_.begin_again();
    add({"a\n", "bc\n", "d\n", "efg\n", "\n"});
    add({"h\n"});
    EXPECT_EQ(sink_.kept, (std::vector<std::string>{"a\n", "bc\n", "d\n", "efg\n", "\n", "h\n"}));
    EXPECT_EQ(counted_.bytes(), 14U);
}

TEST_F(CountedRowsTest, WhoIsLostEarlierThanBeforeLosesNothing) {
    add({"a\n", "b\n", "c\n"});
    counted_.begin_again();
    add({"a\n"});
    counted_.begin_again();
    add({"a\n", "b\n", "c\n", "d\n"});
    EXPECT_EQ(sink_.kept, (std::vector<std::string>{"a\n", "b\n", "c\n", "d\n"}));
}

TEST_F(CountedRowsTest, ARowThatIsMissingOrDoubledIsToldOf) {
    add({"a\n", "b\n"});
    EXPECT_NO_THROW(counted_.check(2));
    EXPECT_THROW(counted_.check(3), SourceError);
    counted_.begin_again();
    add({"a\n"});  // No more comes, and the server says so.
    EXPECT_THROW(counted_.check(1), SourceError);
}

}  // namespace
}  // namespace dbbackup::postgres
