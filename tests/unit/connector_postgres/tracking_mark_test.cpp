#include "base/error.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/tracking.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace dbbackup::postgres {
namespace {

TEST(Lsn, IsReadAndWrittenAsTheServerDoes) {
    EXPECT_EQ(Lsn::parse("16/B374D848").text(), "16/B374D848");
    EXPECT_EQ(Lsn::parse("0/0"), Lsn());
    EXPECT_LT(Lsn::parse("0/FFFFFFFF"), Lsn::parse("1/0"));
    EXPECT_EQ(Lsn::parse("FFFFFFFF/FFFFFFFF").text(), "FFFFFFFF/FFFFFFFF");
    for (const char* const text : {"", "16", "16/", "/5", "16/B374D84G", "16/ 5", "-1/0"}) {
        EXPECT_THROW(static_cast<void>(Lsn::parse(text)), SourceError) << text;
    }
}

TEST(TrackingMark, SurvivesAsNotes) {
    TrackingMark mark;
    mark.timeline = 3;
    mark.safe = Lsn::parse("1/2");
    mark.last = {3, Lsn::parse("1/0"), Lsn::parse("1/1")};
    mark.last_digest = "abc";
    mark.environment = "def";
    mark.pairs = {{Lsn::parse("0/5"), 700}, {Lsn::parse("1/2"), 5'000'000'000}};
    const std::optional<TrackingMark> again = TrackingMark::parse(mark.json());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->safe, mark.safe);
    EXPECT_EQ(again->last, mark.last);
    ASSERT_EQ(again->pairs.size(), 2U);
    EXPECT_EQ(again->pairs[1].next_xid, 5'000'000'000U);
}

TEST(TrackingMark, KeepsTheNewestPairsOnly) {
    TrackingMark mark;
    for (std::uint64_t each = 0; each < 1000; ++each) {
        mark.pairs.push_back({Lsn(each), each});
    }
    const auto again = TrackingMark::parse(mark.json());
    ASSERT_TRUE(again);
    EXPECT_LT(again->pairs.size(), 100U);
    EXPECT_EQ(again->pairs.back().next_xid, 999U);
}

TEST(TrackingMark, AnythingElseIsNone) {
    for (const char* const text : {"", "{}", "[]", "{\"database\": 1}", "nonsense"}) {
        EXPECT_FALSE(TrackingMark::parse(text)) << text;
        EXPECT_THROW(static_cast<void>(TableDefinition::parse(text)), CorruptionError) << text;
    }
}

}  // namespace
}  // namespace dbbackup::postgres
