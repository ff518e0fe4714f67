#pragma once

/// @file
/// Counts runs of jobs on their way to whoever is told of them.

#include "metrics/backup_facts.hpp"
#include "schedule/scheduler.hpp"

namespace dbbackup {

/// In the transaction that makes it so: each run is counted once, also by a scheduler that dies.
class CountedRuns final : public ScheduleListener {
public:
    /// All is borrowed. @param next Is told everything, too.
    CountedRuns(BackupFacts& facts, ScheduleListener& next) : facts_(facts), next_(next) {}

    void ended(const JobSettings& job, const JobRun& run,
               std::optional<std::chrono::sys_seconds> again, unsigned failures) override {
        facts_.count_runs(job.name, run_status_name(run.status), run.count);
        next_.ended(job, run, again, failures);
    }
    void missed(const JobSettings& job, const JobRun& run) override {
        facts_.count_runs(job.name, run_status_name(run.status), run.count);
        next_.missed(job, run);
    }
    void too_old(const JobSettings& job,
                 std::optional<std::chrono::sys_seconds> newest_good) override {
        next_.too_old(job, newest_good);
    }
    void clock_was_set_back(std::chrono::seconds by) override { next_.clock_was_set_back(by); }

private:
    BackupFacts& facts_;
    ScheduleListener& next_;
};

}  // namespace dbbackup
