#include "metrics/backup_facts.hpp"

#include "base/error.hpp"
#include "metrics/counted_runs.hpp"
#include "schedule/state_file.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

sys_seconds at(std::int64_t number) { return sys_seconds(seconds(number)); }

class BackupFactsTest : public testing::Test {
protected:
    static BackupEnd good(std::int64_t begun, std::uint64_t bytes_added) {
        BackupEnd end;
        end.place = {"shop", "main", true, false};
        end.result = BackupResult::succeeded;
        end.ended = at(begun + 5);
        end.snapshot = SnapshotFacts{at(begun), milliseconds(4321), 1000, 100, bytes_added};
        return end;
    }
    static BackupEnd failed(std::int64_t ended) {
        BackupEnd end;
        end.place = {"shop", "main", true, false};
        end.ended = at(ended);
        return end;
    }

    std::unique_ptr<OwnDatabase> database_ = state_in_memory();
    BackupFacts facts_{*database_};
};

TEST_F(BackupFactsTest, AFailureHidesNothingOfTheSnapshotBefore) {
    EXPECT_TRUE(facts_.backups().empty());
    facts_.add(good(100, 10));
    facts_.add(good(200, 7));
    facts_.add(failed(300));
    const std::vector<BackupHistory> all = facts_.backups();
    ASSERT_EQ(all.size(), 1U);
    const BackupHistory& shop = all.front();
    EXPECT_EQ(shop.last.place.source, "shop");
    EXPECT_EQ(shop.last.place.repository, "main");
    EXPECT_TRUE(shop.last.place.is_source_configured);
    EXPECT_FALSE(shop.last.place.is_repository_configured);
    EXPECT_EQ(shop.last.result, BackupResult::failed);
    EXPECT_EQ(shop.last.ended, at(300));
    ASSERT_TRUE(shop.newest);
    EXPECT_EQ(shop.newest->begun, at(200));
    EXPECT_EQ(shop.newest->duration, milliseconds(4321));
    EXPECT_EQ(shop.newest->bytes_added, 7U);
    EXPECT_EQ(shop.bytes_read_total, 200U);
    EXPECT_EQ(shop.bytes_added_total, 17U);
    EXPECT_EQ(shop.counts, (std::map<BackupResult, std::int64_t>{{BackupResult::succeeded, 2},
                                                                 {BackupResult::failed, 1}}));
}

TEST_F(BackupFactsTest, WithoutASnapshotThereIsNoNewest) {
    facts_.add(failed(300));
    ASSERT_EQ(facts_.backups().size(), 1U);
    EXPECT_FALSE(facts_.backups().front().newest);
}

TEST_F(BackupFactsTest, ASizeIsOnlyKnownOnceItWasCounted) {
    facts_.add(good(100, 10));
    facts_.note_verified("main", true, 2, at(150));
    ASSERT_EQ(facts_.repositories().size(), 1U);
    EXPECT_FALSE(facts_.repositories().front().pack_bytes);
    facts_.note_size("main", true, 1000, at(200));
    facts_.add(good(300, 23));
    const RepositoryFacts main = facts_.repositories().front();
    EXPECT_EQ(main.pack_bytes, 1023U);
    EXPECT_EQ(main.counted, at(200));
    EXPECT_EQ(main.problems, 2U);
    EXPECT_EQ(main.verified, at(150));
    EXPECT_TRUE(main.is_configured);
}

TEST_F(BackupFactsTest, KnowsTheLastTick) {
    EXPECT_FALSE(facts_.last_tick());
    facts_.note_tick(at(5));
    facts_.note_tick(at(6));
    EXPECT_EQ(facts_.last_tick(), at(6));
}

TEST_F(BackupFactsTest, LeavesTheTablesOfALaterVersionAlone) {
    database_->execute("UPDATE parts SET version = 2 WHERE name = 'metrics'");
    EXPECT_THROW(BackupFacts{*database_}, RepositoryError);
}

/// Remembers what it was told.
class Listener final : public ScheduleListener {
public:
    void ended(const JobSettings&, const JobRun&, std::optional<sys_seconds>, unsigned) override {
        ++told;
    }
    void missed(const JobSettings&, const JobRun&) override { ++told; }
    void too_old(const JobSettings&, std::optional<sys_seconds>) override { ++told; }
    void clock_was_set_back(seconds) override { ++told; }
    int told = 0;
};

TEST_F(BackupFactsTest, RunsAreCountedAndTold) {
    Listener listener;
    CountedRuns counted(facts_, listener);
    const JobSettings job{.name = "nightly", .timetable = Timetable::of_goal(seconds(60))};
    JobRun run;
    run.status = RunStatus::failed;
    counted.ended(job, run, at(9), 0);
    counted.ended(job, run, {}, 1);
    run.status = RunStatus::missed;
    run.count = 7;
    counted.missed(job, run);
    counted.too_old(job, {});
    counted.clock_was_set_back(seconds(1));
    EXPECT_EQ(listener.told, 5);
    const std::map<std::pair<std::string, std::string>, std::int64_t> expected = {
        {{"nightly", "failed"}, 2}, {{"nightly", "missed"}, 7}};
    EXPECT_EQ(facts_.run_counts(), expected);
}

}  // namespace
}  // namespace dbbackup
