#include "metrics/metrics_text.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(MetricsText, HasTheSamplesOfOneNameTogether) {
    MetricFamily family("backups_total", MetricKind::counter, "Backups.");
    EXPECT_EQ(family.text(), "");
    family.add({{"source", "shop"}, {"result", "failed"}}, std::int64_t{3});
    family.add({}, std::uint64_t{18'446'744'073'709'551'615U});
    EXPECT_EQ(family.text(),
              "# HELP db_backup_backups_total Backups.\n"
              "# TYPE db_backup_backups_total counter\n"
              "db_backup_backups_total{source=\"shop\",result=\"failed\"} 3\n"
              "db_backup_backups_total 18446744073709551615\n");
}

TEST(MetricsText, EscapesWhatALabelMayHold) {
    MetricFamily family("up", MetricKind::gauge, "Up.");
    family.add({{"path", "a\\b\"c\nd"}}, std::int64_t{1});
    EXPECT_NE(family.text().find("up{path=\"a\\\\b\\\"c\\nd\"} 1\n"), std::string::npos)
        << family.text();
}

TEST(MetricsText, TellsTimesAndDurationsInSeconds) {
    MetricFamily family("time_seconds", MetricKind::gauge, "Time.");
    family.add({}, std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000)));
    family.add({}, std::chrono::milliseconds(61'005));
    EXPECT_NE(family.text().find("_seconds 1800000000\ndb_backup_time_seconds 61.005\n"),
              std::string::npos)
        << family.text();
}

}  // namespace
}  // namespace dbbackup
