#pragma once

/// @file
/// Runs jobs as processes of their own: what goes wrong in one stays in it, and its memory goes
/// with it.
///
/// No process of a run is left behind. They are asked to end when we are (SIGTERM), and killed when
/// they do not in time; when we are killed, the kernel asks them (PR_SET_PDEATHSIG, which they ask
/// for when `kParentVariable` names us), and until they have ended they hold their job's lock, so
/// that nobody else begins a run of it.

#include "schedule/scheduler.hpp"
#include "sys/only_one.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup {

/// One call of db-backup, of several in a row.
struct JobStep {
    std::string name;  ///< "backup", "prune", "verify": for messages.
    std::vector<std::string> words;
    std::string mark = {};  ///< What is remembered of it when it went well; "": nothing.
};

/// What a run does. The first step is the backup; without a good one there are no others.
using StepsOf = std::function<std::vector<JobStep>(const JobRun& run)>;

/// One thread, but for what says otherwise.
class ChildRunner final : public JobRunner {
public:
    /// @param variables "NAME=value", beside our environment: secrets that the configuration takes
    /// from it. @param grace How long a run that is asked to end may take.
    /// @param locks The file of the jobs' locks, which the processes of a run hold, too.
    ChildRunner(StepsOf steps, std::vector<std::string> variables, std::chrono::seconds grace,
                std::filesystem::path locks);
    /// Asks all to end, and waits for them.
    ~ChildRunner() override;
    ChildRunner(const ChildRunner&) = delete;
    ChildRunner& operator=(const ChildRunner&) = delete;

    [[nodiscard]] bool claim(const std::string& job) override;
    [[nodiscard]] bool is_claimed(const std::string& job) override;
    void start(const JobRun& run) override;
    void stop(std::int64_t run) override;
    [[nodiscard]] std::vector<RunEnd> take_ended() override;

    /// Waits until a run ends, `wake` is called or the time is over.
    void wait_for(std::chrono::milliseconds time);
    /// May be called by any thread.
    void wake();

private:
    void run(const JobRun& run, const std::vector<JobStep>& steps, int lock,
             const std::stop_token& stop);
    [[nodiscard]] RunEnd run_step(const JobStep& step, int lock, const std::stop_token& stop) const;
    void add_end(RunEnd end);

    struct Running {
        NamedLock lock;
        std::jthread thread;
    };

    StepsOf steps_;
    std::vector<std::string> variables_;
    std::chrono::seconds grace_;
    std::filesystem::path locks_;
    std::map<std::string, NamedLock> claims_;
    std::map<std::int64_t, Running> running_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<RunEnd> ended_;  ///< Under `mutex_`.
    bool is_awake_ = false;      ///< Under `mutex_`.
};

}  // namespace dbbackup
