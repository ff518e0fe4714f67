#include "cli/snapshot_order.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup {
namespace {

SnapshotSummary snapshot(const char* source, std::uint64_t sequence, int second) {
    SnapshotSummary summary;
    summary.source_id = source;
    summary.id = source + std::to_string(sequence);
    summary.sequence = sequence;
    summary.begun_at = Time(std::chrono::seconds(second));
    return summary;
}

std::string ids(std::vector<SnapshotSummary> snapshots) {
    sort_newest_last(snapshots);
    std::string text;
    for (const SnapshotSummary& each : snapshots) {
        text += each.id + " ";
    }
    return text;
}

TEST(SnapshotOrder, IsByTimeOverAllSources) {
    EXPECT_EQ(ids({snapshot("a", 1, 10), snapshot("a", 2, 30), snapshot("b", 1, 20)}), "a1 b1 a2 ");
}

TEST(SnapshotOrder, TrustsSequenceMoreThanClocks) {
    // The clock went back by 50 seconds between the second and the third snapshot of a.
    EXPECT_EQ(ids({snapshot("a", 3, 10), snapshot("a", 2, 60), snapshot("a", 1, 50),
                   snapshot("b", 1, 55)}),
              "a1 b1 a2 a3 ");
}

TEST(SnapshotOrder, OfNothingIsNothing) { EXPECT_EQ(ids({}), ""); }

}  // namespace
}  // namespace dbbackup
