#include "base/error.hpp"
#include "connector/postgres/notes.hpp"
#include "connector/postgres/tracking.hpp"

#include <gtest/gtest.h>

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
    Notes notes;
    notes.database.name = "sh\"op";
    notes.database.settings = {"\twork_mem\t8MB"};
    TrackingMark mark;
    mark.timeline = 3;
    mark.safe = Lsn::parse("1/2");
    mark.last = {3, Lsn::parse("1/0"), Lsn::parse("1/1")};
    mark.last_digest = "abc";
    mark.environment = "def";
    mark.pairs = {{Lsn::parse("0/5"), 700}, {Lsn::parse("1/2"), 5'000'000'000}};
    notes.tracking = mark;
    const Notes again = Notes::parse(notes.json());
    EXPECT_EQ(again.database.name, notes.database.name);
    EXPECT_EQ(again.database.settings, notes.database.settings);
    ASSERT_TRUE(again.tracking);
    EXPECT_EQ(again.tracking->safe, mark.safe);
    EXPECT_EQ(again.tracking->last, mark.last);
    ASSERT_EQ(again.tracking->pairs.size(), 2U);
    EXPECT_EQ(again.tracking->pairs[1].next_xid, 5'000'000'000U);
    notes.tracking.reset();
    EXPECT_FALSE(Notes::parse(notes.json()).tracking);
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

TEST(Notes, OthersAreDamage) {
    for (const char* const text : {"", "{}", "[]", "{\"database\": 1}", "nonsense"}) {
        EXPECT_THROW(static_cast<void>(Notes::parse(text)), CorruptionError) << text;
        EXPECT_FALSE(TrackingMark::parse(text)) << text;
        EXPECT_THROW(static_cast<void>(TableDefinition::parse(text)), CorruptionError) << text;
        EXPECT_THROW(static_cast<void>(SchemaDefinition::parse(text)), CorruptionError) << text;
    }
}

}  // namespace
}  // namespace dbbackup::postgres
