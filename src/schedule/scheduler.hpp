#pragma once

/// @file
/// Decides what runs when, and remembers it before it happens.
///
/// Each time at which a job is due is dealt with once: it has a run, or stands in a run's record
/// that says why it has none. Whatever is decided is written down first, so a scheduler that dies
/// at any moment takes nothing with it: the next one finds what was to run and what was running.

#include "base/clock.hpp"
#include "schedule/job.hpp"
#include "schedule/schedule_store.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

/// Runs jobs beside us. Called by one thread.
class JobRunner {
public:
    JobRunner() = default;
    JobRunner(const JobRunner&) = delete;
    JobRunner& operator=(const JobRunner&) = delete;
    virtual ~JobRunner() = default;

    /// Keeps a job from all other processes until its run has ended, or, if none is started, until
    /// this ends. @return false when another process has it, or what a dead one started.
    [[nodiscard]] virtual bool claim(const std::string& job) = 0;
    /// Whether anybody has it.
    [[nodiscard]] virtual bool is_claimed(const std::string& job) = 0;
    /// Begins a run of a job that was claimed; never waits for it. What goes wrong at once is its
    /// end, too.
    virtual void start(const JobRun& run) = 0;
    /// Asks a run to end; it is given some time, then killed.
    virtual void stop(std::int64_t run) = 0;
    /// Those that ended since the last call.
    [[nodiscard]] virtual std::vector<RunEnd> take_ended() = 0;
};

/// Is told what somebody may want to know. Called within the transaction that makes it so, by the
/// thread that ticks.
class ScheduleListener {
public:
    ScheduleListener() = default;
    ScheduleListener(const ScheduleListener&) = delete;
    ScheduleListener& operator=(const ScheduleListener&) = delete;
    virtual ~ScheduleListener() = default;

    /// @param again When it is tried again, if it is.
    /// @param failures Of the job in a row before this run.
    virtual void ended(const JobSettings& job, const JobRun& run,
                       std::optional<std::chrono::sys_seconds> again, unsigned failures) = 0;
    /// Due times passed without a run.
    virtual void missed(const JobSettings& job, const JobRun& run) = 0;
    /// The newest good backup is older than the job's goal. Told once, until there is a good one.
    virtual void too_old(const JobSettings& job,
                         std::optional<std::chrono::sys_seconds> newest_good) = 0;
    virtual void clock_was_set_back(std::chrono::seconds by) = 0;
};

/// A run that somebody starts, who may start it again.
struct RunByHand {
    unsigned attempt = 1;
    std::optional<std::chrono::seconds> again_after;  ///< If it fails. Nothing: not again.
};

/// One thread. Everything throws as `ScheduleStore`, and leaves the store as it was then.
class Scheduler {
public:
    /// All is borrowed. @param max_parallel At least 1.
    Scheduler(OwnDatabase& database, ScheduleStore& store, JobRunner& runner,
              ScheduleListener& listener, const Clock& clock, std::size_t max_parallel);

    /// What was running when its process ended, ended with it. Each tick looks, too; call it after
    /// `set_jobs`.
    void recover();
    /// The jobs from now on. What runs of others goes on, and what they were to do is forgotten.
    void set_jobs(std::vector<JobSettings> jobs, std::size_t max_parallel);

    /// Does what is due. @return when to call again at the latest.
    std::chrono::sys_seconds tick();

    /// Runs a job now, whatever its times; what is due of it stays so. Its end is taken by
    /// `take_ends`; when it fails it is not tried again from here.
    /// @param job One of `set_jobs`. @throws ConfigError (code "job_running").
    JobRun run_now(const std::string& job, const RunByHand& by_hand = {});
    /// Only takes what has ended, and ends what takes too long: for who does not tick.
    void take_ends();

    /// Begins nothing any more, and asks what runs to end.
    void stop();
    [[nodiscard]] bool is_idle() const { return running_.empty(); }

    /// When a job is due next, with what waits; nothing for one that is not there.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> next(const std::string& job) const;

private:
    struct Job {
        JobSettings settings;
        JobMemory memory;
        std::optional<std::chrono::sys_seconds> due;  ///< The next, counted from `looked_at`.
    };
    struct Running {
        std::string job;
        std::optional<std::chrono::sys_seconds> deadline;
        std::optional<RunByHand> by_hand;
        bool is_stopped = false;
        bool is_timed_out = false;
    };
    [[nodiscard]] std::chrono::sys_seconds now() const;
    [[nodiscard]] bool is_running(const std::string& job) const;
    void end_runs(std::chrono::sys_seconds now);
    /// @param by_hand Null for one that was due.
    void end_run(const RunEnd& end, const RunByHand* by_hand, std::chrono::sys_seconds now);
    /// When the job is tried again; nothing when it is not.
    [[nodiscard]] static std::optional<std::chrono::sys_seconds> again_at(
        const Job& job, const JobRun& run, const RunByHand* by_hand, std::chrono::sys_seconds now);
    void read_again(std::chrono::sys_seconds now);
    void plan_again(Job& job, const JobRun& run, std::chrono::sys_seconds now);
    void look(Job& job, std::chrono::sys_seconds now);
    void look_at_goal(Job& job, std::chrono::sys_seconds now);
    void deal_with_due(Job& job, std::chrono::sys_seconds now);
    void note(const Job& job, RunStatus status, std::chrono::sys_seconds first,
              std::chrono::sys_seconds last, std::int64_t count, std::string message, bool is_told);
    void look_for_age(Job& job, std::chrono::sys_seconds now);
    void stop_late(std::chrono::sys_seconds now);
    void start_pending(std::chrono::sys_seconds now);
    /// Nothing when the job cannot be had.
    std::optional<std::int64_t> start(Job& job, std::chrono::sys_seconds now);
    void keep(Job& job);
    [[nodiscard]] std::chrono::sys_seconds wake_time(std::chrono::sys_seconds now) const;
    [[nodiscard]] std::chrono::seconds jitter_of(const Job& job,
                                                 std::chrono::sys_seconds due) const;

    OwnDatabase& database_;
    ScheduleStore& store_;
    JobRunner& runner_;
    ScheduleListener& listener_;
    const Clock& clock_;
    std::size_t max_parallel_;
    bool is_stopping_ = false;
    std::map<std::string, Job> jobs_;
    std::map<std::int64_t, Running> running_;
    std::set<std::string> elsewhere_;  ///< Jobs that other processes run.
    std::int64_t version_ = -1;        ///< Of the database, as others changed it.
};

}  // namespace dbbackup
