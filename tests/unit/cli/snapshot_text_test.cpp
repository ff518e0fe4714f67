#include "cli/snapshot_text.hpp"

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

TEST(SnapshotText, ShowsSecondsOfLocalTime) {
    EXPECT_EQ(local_time_text(Time(std::chrono::milliseconds(59'999))).substr(17), "59");
}

}  // namespace
}  // namespace dbbackup
