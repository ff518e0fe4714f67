#pragma once

/// @file
/// What the scheduler remembers, in a SQLite file of the state folder: which times were dealt with,
/// what is to run, what ran, what did not and why.

#include "schedule/job.hpp"
#include "sys/own_database.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// A run that is to begin.
struct PendingRun {
    std::chrono::sys_seconds due{};
    std::chrono::sys_seconds begin{};  ///< Not before: jitter, or the pause before another try.
    unsigned attempt = 1;
    friend bool operator==(const PendingRun&, const PendingRun&) = default;
};

/// What is remembered of a job beside its runs.
struct JobMemory {
    std::chrono::sys_seconds looked_at{};  ///< Due times up to here are dealt with.
    std::optional<PendingRun> pending;
    JobPast past;
    bool is_alarmed = false;  ///< It was told that the newest good backup is too old.
};

/// When a job runs next: what waits, else what is due.
[[nodiscard]] std::optional<std::chrono::sys_seconds> next_run(const JobSettings& job,
                                                               const JobMemory& memory);

/// One thread at a time; other processes may read at the same time. Throws OwnDatabaseError.
class ScheduleStore {
public:
    /// Makes its tables where there are none. @param database Borrowed: what else is changed in it
    /// within a transaction is changed at once with what is changed here.
    /// @throws also RepositoryError (code "newer_version").
    explicit ScheduleStore(OwnDatabase& database);

    /// Nothing for a job that was never seen.
    [[nodiscard]] std::optional<JobMemory> memory(const std::string& job);
    void remember(const std::string& job, const JobMemory& memory);
    void forget(const std::string& job);

    /// When something that not every run does was done last, such as "full". @return nothing if
    /// never.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> marked(const std::string& job,
                                                                 std::string_view what);
    void mark(const std::string& job, std::string_view what, std::chrono::sys_seconds time);

    /// @return its id.
    std::int64_t add(const JobRun& run);
    void update(const JobRun& run);
    [[nodiscard]] std::optional<JobRun> run(std::int64_t id);
    /// Those that are said to run, of all jobs.
    [[nodiscard]] std::vector<JobRun> running();
    /// The newest of a job, newest first.
    [[nodiscard]] std::vector<JobRun> newest(const std::string& job, std::size_t count);
    /// Removes runs that ended before `time`, but for the newest `kept` of each job.
    void trim(std::chrono::sys_seconds time, std::size_t kept);

private:
    OwnDatabase& database_;
};

}  // namespace dbbackup
