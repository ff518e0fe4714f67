#pragma once

/// @file
/// The scheduler as a process: its state, its jobs' processes, and what it tells.

#include "cli/command_context.hpp"
#include "cli/schedule_metrics.hpp"
#include "cli/schedule_notices.hpp"
#include "metrics/counted_runs.hpp"
#include "notify/outbox.hpp"
#include "schedule/child_runner.hpp"
#include "schedule/schedule_store.hpp"
#include "schedule/scheduler.hpp"
#include "sys/own_database.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup {

/// Where the scheduler keeps its state, and who holds it: in $XDG_STATE_HOME/db-backup.
[[nodiscard]] std::filesystem::path schedule_state_file();
[[nodiscard]] std::filesystem::path schedule_lock_file();
/// The locks of the jobs that run.
[[nodiscard]] std::filesystem::path job_lock_file();

/// Where a scheduler in the background logs to if nothing else was chosen.
[[nodiscard]] std::filesystem::path schedule_log_file();

/// This program's file.
[[nodiscard]] std::string program_path();

class ScheduleService {
public:
    /// @param grace How long runs have to end after a stop.
    ScheduleService(CommandContext& context, std::chrono::seconds grace);

    /// Runs until it is stopped; then everything that it started has ended. @param is_detached
    /// Nobody listens once it says that it is ready.
    void run(bool is_detached);
    /// Runs one job now, with all that belongs to it. @return how it ended. @throws ConfigError for
    /// a job that there is not, or that runs already.
    [[nodiscard]] JobRun run_once(const std::string& job, const RunByHand& by_hand);
    /// The configuration has changed. May be called by any thread.
    void ask_to_reload();

private:
    [[nodiscard]] std::chrono::sys_seconds now() const;
    [[nodiscard]] std::vector<JobStep> steps_of(const JobRun& run);
    void say_ready(bool is_detached);
    void reload();
    void tell_at_end(std::jthread& teller);
    void wait_until(std::chrono::sys_seconds time);
    void end_runs();
    void write_metrics();
    void deliver_messages(const std::stop_token& stop);
    void wait_for_messages(Outbox& outbox, const std::stop_token& stop);

    /// What may be told by another thread while the configuration is read again.
    [[nodiscard]] std::shared_ptr<const LoadedConfig> loaded() const;

    CommandContext& context_;
    /// This program, as it was found at the start: it may be replaced by a newer one meanwhile.
    std::string program_;
    std::vector<std::string> secrets_;  ///< "NAME=value".
    mutable std::mutex mutex_;
    std::shared_ptr<const LoadedConfig> loaded_;  ///< Under `mutex_`.
    const Config* config_;                        ///< Of `loaded_`, for the thread that ticks.
    std::condition_variable_any something_to_tell_;
    std::stop_source enough_told_;
    std::unique_ptr<OwnDatabase> database_;
    ScheduleStore store_;
    Outbox outbox_;
    BackupFacts facts_;
    ScheduleNotices notices_;
    CountedRuns counted_;
    ChildRunner runner_;
    Scheduler scheduler_;
    ScheduleMetrics metrics_;
    std::atomic<bool> is_reload_asked_ = false;
};

}  // namespace dbbackup
