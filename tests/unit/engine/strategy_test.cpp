#include "engine/strategy.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

SnapshotSummary snapshot(std::uint64_t sequence, BackupMode mode) {
    SnapshotSummary summary;
    summary.id = std::string(32, static_cast<char>('0' + sequence));
    summary.sequence = sequence;
    summary.mode = mode;
    return summary;
}

const std::vector<SnapshotSummary> kHistory = {
    snapshot(1, BackupMode::full), snapshot(2, BackupMode::incremental),
    snapshot(4, BackupMode::full), snapshot(5, BackupMode::differential),
    snapshot(6, BackupMode::incremental)};

TEST(Strategy, AFullHasNoParentButAPredecessor) {
    const Strategy strategy = choose_strategy(BackupMode::full, kHistory);
    EXPECT_EQ(strategy.mode, BackupMode::full);
    EXPECT_FALSE(strategy.parent);
    EXPECT_EQ(strategy.sequence, 7U);
    ASSERT_TRUE(strategy.predecessor);
    EXPECT_EQ(strategy.predecessor->sequence, 6U);
    EXPECT_EQ(strategy.reason, "");
}

TEST(Strategy, AnIncrementalsParentIsTheNewestSnapshot) {
    const Strategy strategy = choose_strategy(BackupMode::incremental, kHistory);
    EXPECT_EQ(strategy.mode, BackupMode::incremental);
    ASSERT_TRUE(strategy.parent);
    EXPECT_EQ(strategy.parent->sequence, 6U);
    EXPECT_EQ(strategy.sequence, 7U);
    EXPECT_EQ(strategy.reason, "");
}

TEST(Strategy, ADifferentialsParentIsTheNewestFull) {
    const Strategy strategy = choose_strategy(BackupMode::differential, kHistory);
    EXPECT_EQ(strategy.mode, BackupMode::differential);
    ASSERT_TRUE(strategy.parent);
    EXPECT_EQ(strategy.parent->sequence, 4U);
    EXPECT_EQ(strategy.predecessor->sequence, 6U);
}

TEST(Strategy, TheFirstSnapshotIsAFullAndSaysWhy) {
    for (const BackupMode mode : {BackupMode::incremental, BackupMode::differential}) {
        const Strategy strategy = choose_strategy(mode, {});
        EXPECT_EQ(strategy.mode, BackupMode::full);
        EXPECT_FALSE(strategy.parent);
        EXPECT_FALSE(strategy.predecessor);
        EXPECT_EQ(strategy.sequence, 1U);
        EXPECT_NE(strategy.reason, "");
    }
    EXPECT_EQ(choose_strategy(BackupMode::full, {}).reason, "") << "that is what was asked for";
}

TEST(Strategy, ADifferentialWithoutAFullIsAFull) {
    const Strategy strategy =
        choose_strategy(BackupMode::differential, {snapshot(3, BackupMode::incremental)});
    EXPECT_EQ(strategy.mode, BackupMode::full);
    EXPECT_EQ(strategy.sequence, 4U);
    EXPECT_EQ(strategy.reason, "the source has no full snapshot");
}

}  // namespace
}  // namespace dbbackup
