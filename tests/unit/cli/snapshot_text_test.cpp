#include "cli/snapshot_text.hpp"

#include "base/clock.hpp"
#include "support/time_zone.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(SnapshotText, GroupsDigits) {
    EXPECT_EQ(count_text(0), "0");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(count_text(1000), "1,000");
    EXPECT_EQ(count_text(1234567), "1,234,567");
    EXPECT_EQ(counted(1, "pack"), "1 pack");
    EXPECT_EQ(counted(2000, "pack"), "2,000 packs");
}

TEST(SnapshotText, ShowsTags) {
    EXPECT_EQ(tags_text({}), "");
    EXPECT_EQ(tags_text({{"env", "prod"}, {"team", "db"}}), "env=prod team=db");
}

TEST(SnapshotText, ShowsSecondsOfLocalTimeWithTheOffset) {
    const Time time(std::chrono::milliseconds(1'795'356'185'999));
    const auto shown = [time](const char* zone) {
        const TestZone here(zone);
        return local_time_text(time);
    };
    EXPECT_EQ(shown("UTC"), "2026-11-22 14:03:05Z");
    EXPECT_EQ(shown("CET-1CEST,M3.5.0,M10.5.0/3"), "2026-11-22 15:03:05+01:00");
    EXPECT_EQ(shown("<-0330>3:30"), "2026-11-22 10:33:05-03:30");
}

TEST(SnapshotText, ShowsATimeThatMeansThatSecond) {
    const Time time(std::chrono::milliseconds(1'795'356'185'999));
    for (const char* zone : {"UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "<-0330>3:30"}) {
        const TestZone here(zone);
        const TimeSpan meant = parse_time(local_time_text(time)).value();
        EXPECT_LE(meant.first, time) << zone;
        EXPECT_EQ(meant.last, time) << zone;
    }
}

}  // namespace
}  // namespace dbbackup
