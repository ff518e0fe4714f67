#include "schedule/scheduler.hpp"

#include "scheduler_fixture.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dbbackup {
namespace {

using Words = std::vector<std::string>;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class SchedulerTest : public SchedulerFixture {};

TEST_F(SchedulerTest, RunsAJobWhenItIsDue) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *")});
    EXPECT_EQ(tick("2026-11-27T01:00:00Z"), at("2026-11-27T01:01:00Z"));  // Clocks jump.
    EXPECT_EQ(tick("2026-11-27T01:59:30Z"), at("2026-11-27T02:00:00Z"));
    EXPECT_TRUE(runner_->started.empty());
    tick("2026-11-27T02:00:00Z");
    ASSERT_EQ(runner_->started.size(), 1U);
    EXPECT_EQ(runner_->started[0].due, at("2026-11-27T02:00:00Z"));
    EXPECT_EQ(statuses("a"), Words{"running"});
    tick("2026-11-27T02:00:30Z");
    EXPECT_EQ(runner_->started.size(), 1U);
    end(RunStatus::succeeded);
    tick("2026-11-27T02:10:00Z");
    const JobRun run = store_.newest("a", 1).at(0);
    EXPECT_EQ(run.status, RunStatus::succeeded);
    EXPECT_EQ(run.snapshot, "abc");
    EXPECT_EQ(run.ended, at("2026-11-27T02:10:00Z"));
    EXPECT_EQ(scheduler_->next("a"), at("2026-11-28T02:00:00Z"));
    EXPECT_EQ(listener_.told, Words{"a succeeded"});
}

TEST_F(SchedulerTest, ANewJobMissedNothing) {
    clock_.time = at("2026-11-27T03:00:00Z");
    begin({job("a", "0 2 * * *")});
    tick("2026-11-27T03:00:00Z");
    EXPECT_TRUE(runner_->started.empty());
    EXPECT_TRUE(listener_.told.empty());
}

TEST_F(SchedulerTest, MakesUpOnceForWhatWasMissed) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *")});
    tick("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *")});
    tick("2026-11-30T09:00:00Z");
    ASSERT_EQ(runner_->started.size(), 1U);
    EXPECT_EQ(runner_->started[0].due, at("2026-11-30T02:00:00Z"));
    EXPECT_EQ(listener_.told, Words{"a caught_up 3"});
    end(RunStatus::succeeded);
    tick("2026-11-30T09:01:00Z");
    EXPECT_EQ(statuses("a"), (Words{"caught_up", "succeeded"}));
}

TEST_F(SchedulerTest, ReportsWhatItDoesNotMakeUpFor) {
    JobSettings settings = job("a", "0 2 * * *");
    settings.catch_up = CatchUp::skip;
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({settings});
    tick("2026-11-30T09:00:00Z");
    EXPECT_TRUE(runner_->started.empty());
    EXPECT_EQ(listener_.told, Words{"a missed 4"});
    tick("2026-12-01T02:00:01Z");
    EXPECT_EQ(runner_->started.size(), 1U);
}

TEST_F(SchedulerTest, DoesNotBeginWhatIsStillAtIt) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "*/10 * * * *")});
    tick("2026-11-27T01:10:00Z");
    tick("2026-11-27T01:20:00Z");
    EXPECT_EQ(runner_->started.size(), 1U);
    EXPECT_EQ(listener_.told, Words{"a skipped 1"});
    end(RunStatus::succeeded);
    tick("2026-11-27T01:25:00Z");
    EXPECT_EQ(runner_->started.size(), 1U);
    tick("2026-11-27T01:30:00Z");
    EXPECT_EQ(runner_->started.size(), 2U);
}

TEST_F(SchedulerTest, RunsSoManyAtOnceAtMost) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *"), job("b", "0 2 * * *"), job("c", "0 2 * * *")}, 2);
    tick("2026-11-27T02:00:00Z");
    EXPECT_EQ(runner_->started.size(), 2U);
    end(RunStatus::succeeded, 1);
    tick("2026-11-27T02:30:00Z");
    ASSERT_EQ(runner_->started.size(), 3U);
    EXPECT_EQ(runner_->started[2].job, "c");
    EXPECT_EQ(runner_->started[2].due, at("2026-11-27T02:00:00Z"));
}

TEST_F(SchedulerTest, WhatWaitsTooLongIsOneWithTheNext) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *"), job("b", "0 * * * *")}, 1);
    tick("2026-11-27T02:00:00Z");
    tick("2026-11-27T03:00:00Z");
    EXPECT_EQ(runner_->started.size(), 1U);
    end(RunStatus::succeeded);
    tick("2026-11-27T03:05:00Z");
    ASSERT_EQ(runner_->started.size(), 2U);
    EXPECT_EQ(statuses("b"), (Words{"caught_up", "running"}));
}

TEST_F(SchedulerTest, TriesAgainWithPauses) {
    JobSettings settings = job("a", "0 2 * * *");
    settings.retries = 2;
    settings.retry_pause = minutes(5);
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({settings});
    tick("2026-11-27T02:00:00Z");
    end(RunStatus::failed, 0);
    tick("2026-11-27T02:01:00Z");
    tick("2026-11-27T02:05:59Z");
    EXPECT_EQ(runner_->started.size(), 1U);
    tick("2026-11-27T02:06:00Z");
    ASSERT_EQ(runner_->started.size(), 2U);
    EXPECT_EQ(runner_->started[1].attempt, 2U);
    EXPECT_EQ(runner_->started[1].due, at("2026-11-27T02:00:00Z"));
    end(RunStatus::failed, 1);
    tick("2026-11-27T02:07:00Z");
    tick("2026-11-27T02:17:00Z");
    ASSERT_EQ(runner_->started.size(), 3U);
    end(RunStatus::failed, 2);
    tick("2026-11-27T02:18:00Z");
    tick("2026-11-27T12:00:00Z");
    EXPECT_EQ(runner_->started.size(), 3U);
    EXPECT_EQ(listener_.told, (Words{"a failed again", "a failed again after failures",
                                     "a failed after failures"}));
    tick("2026-11-28T02:00:00Z");
    end(RunStatus::incomplete, 3);
    tick("2026-11-28T02:10:00Z");
    EXPECT_EQ(listener_.told.back(), "a incomplete after failures");
}

TEST_F(SchedulerTest, EndsWhatTakesTooLong) {
    JobSettings settings = job("a", "0 2 * * *");
    settings.timeout = hours(1);
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({settings});
    EXPECT_EQ(tick("2026-11-27T02:00:00Z"), at("2026-11-27T02:01:00Z"));
    tick("2026-11-27T02:59:59Z");
    EXPECT_TRUE(runner_->stopped.empty());
    tick("2026-11-27T03:00:00Z");
    EXPECT_EQ(runner_->stopped, std::vector{runner_->started[0].id});
    tick("2026-11-27T03:00:01Z");
    EXPECT_EQ(runner_->stopped.size(), 1U);
    end(RunStatus::failed);
    tick("2026-11-27T03:00:02Z");
    EXPECT_EQ(listener_.told, Words{"a timed_out"});
}

TEST_F(SchedulerTest, WhatDiedWithTheSchedulerIsTriedAgainButNotForEver) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *")});
    tick("2026-11-27T02:00:00Z");
    for (int death = 0; death < 5; ++death) {
        begin({job("a", "0 2 * * *")});
        tick("2026-11-27T02:10:00Z");
    }
    EXPECT_EQ(statuses("a"), (Words{"interrupted", "interrupted", "interrupted"}));
    EXPECT_EQ(listener_.told, (Words{"a interrupted again", "a interrupted again after failures",
                                     "a interrupted after failures"}));
}

TEST_F(SchedulerTest, ADeathBetweenWritingAndStartingIsARunThatDied) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *")});
    runner_->before_start = [] { throw Killed(); };
    EXPECT_THROW(tick("2026-11-27T02:00:00Z"), Killed);
    begin({job("a", "0 2 * * *")});
    tick("2026-11-27T02:00:05Z");
    EXPECT_EQ(statuses("a"), (Words{"interrupted", "running"}));
}

TEST_F(SchedulerTest, StopsWhatRunsAndBeginsNothing) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *"), job("b", "1 2 * * *")});
    tick("2026-11-27T02:00:00Z");
    scheduler_->stop();
    scheduler_->stop();
    EXPECT_EQ(runner_->stopped.size(), 1U);
    EXPECT_FALSE(scheduler_->is_idle());
    end(RunStatus::failed);
    tick("2026-11-27T02:01:00Z");
    EXPECT_TRUE(scheduler_->is_idle());
    EXPECT_EQ(runner_->started.size(), 1U);
    EXPECT_EQ(listener_.told, Words{"a interrupted again"});
    begin({job("a", "0 2 * * *"), job("b", "1 2 * * *")});
    tick("2026-11-27T02:01:30Z");
    EXPECT_EQ(runner_->started.size(), 2U);
}

TEST_F(SchedulerTest, AStoppedRunThatWasDoneIsDone) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *")});
    tick("2026-11-27T02:00:00Z");
    scheduler_->stop();
    end(RunStatus::succeeded);
    tick("2026-11-27T02:01:00Z");
    EXPECT_EQ(listener_.told, Words{"a succeeded"});
}

TEST_F(SchedulerTest, AClockSetBackALittleRunsNothingTwice) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "*/10 * * * *")});
    tick("2026-11-27T01:10:00Z");
    end(RunStatus::succeeded);
    tick("2026-11-27T01:15:00Z");
    tick("2026-11-27T00:45:00Z");
    tick("2026-11-27T01:10:00Z");
    EXPECT_EQ(runner_->started.size(), 1U);
    tick("2026-11-27T01:20:00Z");
    EXPECT_EQ(runner_->started.size(), 2U);
}

TEST_F(SchedulerTest, AClockSetBackFarIsTold) {
    clock_.time = at("2036-11-27T01:00:00Z");
    begin({job("a", "0 * * * *")});
    tick("2036-11-27T01:00:00Z");
    tick("2026-11-27T01:00:30Z");
    EXPECT_EQ(listener_.told, Words{"clock set back by 315619170"});
    tick("2026-11-27T02:00:00Z");
    EXPECT_EQ(runner_->started.size(), 1U);
}

TEST_F(SchedulerTest, JobsComeAndGo) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 2 * * *"), job("b", "0 2 * * *")});
    tick("2026-11-27T02:00:00Z");
    scheduler_->set_jobs({job("b", "0 3 * * *"), job("c", "30 2 * * *")}, 10);
    EXPECT_EQ(scheduler_->next("a"), std::nullopt);
    EXPECT_EQ(scheduler_->next("b"), at("2026-11-27T03:00:00Z"));
    end(RunStatus::failed, 0);
    end(RunStatus::succeeded, 1);
    tick("2026-11-27T02:20:00Z");
    EXPECT_EQ(listener_.told, Words{"b succeeded"});
    EXPECT_EQ(statuses("a"), Words{"failed"});
    tick("2026-11-27T02:30:00Z");
    EXPECT_EQ(runner_->started.back().job, "c");
}

TEST_F(SchedulerTest, JitterIsTheSameForARunAndAnotherForTheNext) {
    JobSettings settings = job("a", "0 2 * * *");
    settings.jitter = hours(1);
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({settings});
    tick("2026-11-27T02:00:00Z");
    const auto first = scheduler_->next("a").value() - at("2026-11-27T02:00:00Z");
    EXPECT_GT(first, seconds(0));
    EXPECT_LE(first, hours(1));
    begin({settings});
    tick("2026-11-27T02:00:01Z");
    EXPECT_EQ(scheduler_->next("a").value() - at("2026-11-27T02:00:00Z"), first);
    tick("2026-11-27T03:00:00Z");
    end(RunStatus::succeeded);
    tick("2026-11-28T02:00:00Z");
    EXPECT_NE(scheduler_->next("a").value() - at("2026-11-28T02:00:00Z"), first);
}

TEST_F(SchedulerTest, AGoalKeepsABackupYoung) {
    const JobSettings settings = {.name = "a", .timetable = Timetable::of_goal(hours(1))};
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({settings});
    tick("2026-11-27T01:00:00Z");
    ASSERT_EQ(runner_->started.size(), 1U);  // There is none yet.
    end(RunStatus::succeeded, 0);
    tick("2026-11-27T01:05:00Z");
    EXPECT_EQ(scheduler_->next("a"), at("2026-11-27T01:45:00Z"));
    tick("2026-11-27T01:45:00Z");
    ASSERT_EQ(runner_->started.size(), 2U);
    end(RunStatus::failed, 1);
    tick("2026-11-27T01:46:00Z");
    tick("2026-11-27T01:47:00Z");
    ASSERT_EQ(runner_->started.size(), 3U);
    tick("2026-11-27T02:00:30Z");
    EXPECT_EQ(listener_.told.back(), "a too old");
    end(RunStatus::failed, 2);
    tick("2026-11-27T02:10:00Z");
    tick("2026-11-27T02:13:00Z");
    EXPECT_EQ(listener_.told.back(), "a failed after failures");
    end(RunStatus::succeeded, 3);
    tick("2026-11-27T02:20:00Z");
    EXPECT_EQ(listener_.told.back(), "a succeeded after failures");
}

TEST_F(SchedulerTest, WhatAnotherProcessRunsIsNotRunBesideIt) {
    clock_.time = at("2026-11-27T01:00:00Z");
    begin({job("a", "0 * * * *")});
    runner_->elsewhere.insert("a");
    JobRun other;
    other.job = "a";
    other.began = clock_.time;
    other.id = store_.add(other);
    tick("2026-11-27T02:00:00Z");
    EXPECT_EQ(listener_.told, Words{"a skipped 1"});
    EXPECT_THROW(static_cast<void>(scheduler_->run_now("a")), ConfigError);
    // It dies: nobody has the job any more, and nobody has said how the run ended.
    runner_->elsewhere.clear();
    tick("2026-11-27T02:01:00Z");
    EXPECT_EQ(statuses("a"), (Words{"interrupted", "skipped", "running"}));
    ASSERT_EQ(runner_->started.size(), 1U) << "it is made up for";
    EXPECT_EQ(runner_->started[0].attempt, 2U);
}

TEST_F(SchedulerTest, AJobThatCannotBeHadWaits) {
    clock_.time = at("2026-11-27T01:30:00Z");
    begin({job("a", "0 * * * *")});
    runner_->elsewhere.insert("a");  // What a dead process started has not ended yet.
    tick("2026-11-27T02:00:00Z");
    EXPECT_TRUE(runner_->started.empty());
    runner_->elsewhere.clear();
    tick("2026-11-27T02:00:10Z");
    EXPECT_EQ(runner_->started.size(), 1U);
}

TEST_F(SchedulerTest, WhatFailsByHandIsNotTriedAgain) {
    clock_.time = at("2026-11-27T01:30:00Z");
    begin({job("a", "0 * * * *")});
    static_cast<void>(scheduler_->run_now("a"));
    end(RunStatus::failed);
    scheduler_->take_ends();
    EXPECT_EQ(listener_.told, Words{"a failed"});
    EXPECT_EQ(scheduler_->next("a"), at("2026-11-27T02:00:00Z"));
}

TEST_F(SchedulerTest, WhoTriesAgainByHandSaysSo) {
    clock_.time = at("2026-11-27T01:30:00Z");
    begin({job("a", "0 * * * *")});
    static_cast<void>(scheduler_->run_now("a", {1, std::chrono::seconds(60)}));
    end(RunStatus::failed);
    scheduler_->take_ends();
    const JobRun second = scheduler_->run_now("a", {2, std::nullopt});
    EXPECT_EQ(second.attempt, 2U);
    end(RunStatus::failed);
    scheduler_->take_ends();
    EXPECT_EQ(listener_.told, (Words{"a failed again", "a failed after failures"}));
    EXPECT_EQ(scheduler_->next("a"), at("2026-11-27T02:00:00Z"));
}

}  // namespace
}  // namespace dbbackup
