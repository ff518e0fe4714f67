#pragma once

/// @file
/// Runs jobs as processes of their own: what goes wrong in one stays in it, and its memory goes with it.

#include "base/guarded.hpp"
#include "schedule/scheduler.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
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

class ChildRunner final : public JobRunner {
public:
    /// @param variables "NAME=value", beside our environment: secrets that the configuration takes
    /// from it. @param grace How long a run that is asked to end may take.
    ChildRunner(StepsOf steps, std::vector<std::string> variables, std::chrono::seconds grace);
    /// Asks all to end, and waits for them.
    ~ChildRunner() override;

    void start(const JobRun& run) override;
    void stop(std::int64_t run) override;
    [[nodiscard]] std::vector<RunEnd> take_ended() override;

    /// Waits until a run ends, `wake` is called or the time is over.
    void wait_for(std::chrono::milliseconds time);
    /// May be called by any thread.
    void wake();

private:
    void run(const JobRun& run, const std::vector<JobStep>& steps, const std::stop_token& stop);
    [[nodiscard]] RunEnd run_step(const JobStep& step, const std::stop_token& stop) const;

    StepsOf steps_;
    std::vector<std::string> variables_;
    std::chrono::seconds grace_;
    std::map<std::int64_t, std::jthread> threads_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<RunEnd> ended_;  ///< Under `mutex_`.
    bool is_awake_ = false;      ///< Under `mutex_`.
};

}  // namespace dbbackup
