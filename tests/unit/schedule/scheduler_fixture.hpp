#pragma once

/// @file
/// A scheduler under a clock that the test moves, with runs that end when the test says so.

#include "base/clock.hpp"
#include "schedule/scheduler.hpp"
#include "schedule/state_file.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

class MovedClock final : public Clock {
public:
    [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override {
        return time;
    }
    std::chrono::sys_seconds time{};
};

/// Stands for a death of the process at the moment in which it is thrown.
struct Killed : std::runtime_error {
    Killed() : std::runtime_error("killed") {}
};

class FakeRunner final : public JobRunner {
public:
    bool claim(const std::string& job) override { return !elsewhere.contains(job); }
    bool is_claimed(const std::string& job) override { return elsewhere.contains(job); }
    void start(const JobRun& run) override {
        if (before_start) {
            before_start();
        }
        started.push_back(run);
    }
    void stop(std::int64_t run) override { stopped.push_back(run); }
    std::vector<RunEnd> take_ended() override { return std::exchange(ended, {}); }

    std::set<std::string> elsewhere;  ///< Jobs that other processes run.
    std::function<void()> before_start;
    std::vector<JobRun> started;
    std::vector<std::int64_t> stopped;
    std::vector<RunEnd> ended;
};

class FakeListener final : public ScheduleListener {
public:
    void ended(const JobSettings& job, const JobRun& run,
               std::optional<std::chrono::sys_seconds> again, unsigned failures) override {
        told.push_back(job.name + " " + std::string(run_status_name(run.status)) +
                       (again ? " again" : "") + (failures > 0 ? " after failures" : ""));
    }
    void missed(const JobSettings& job, const JobRun& run) override {
        told.push_back(job.name + " " + std::string(run_status_name(run.status)) + " " +
                       std::to_string(run.count));
    }
    void too_old(const JobSettings& job,
                 std::optional<std::chrono::sys_seconds> /*newest_good*/) override {
        told.push_back(job.name + " too old");
    }
    void clock_was_set_back(std::chrono::seconds by) override {
        told.push_back("clock set back by " + std::to_string(by.count()));
    }

    std::vector<std::string> told;
};

class SchedulerFixture : public testing::Test {
protected:
    static std::chrono::sys_seconds at(std::string_view time) {
        return std::chrono::floor<std::chrono::seconds>(parse_time(time).value().first);
    }
    static JobSettings job(const std::string& name, const std::string& cron) {
        return {.name = name, .timetable = Timetable::of_cron(cron, "UTC", name)};
    }

    /// A scheduler as after a start of the program.
    void begin(std::vector<JobSettings> jobs, std::size_t max_parallel = 10) {
        runner_ = std::make_unique<FakeRunner>();
        scheduler_ = std::make_unique<Scheduler>(*database_, store_, *runner_, listener_, clock_,
                                                 max_parallel);
        scheduler_->set_jobs(std::move(jobs), max_parallel);
        scheduler_->recover();
    }
    /// Ticks at a moment.
    std::chrono::sys_seconds tick(std::string_view time) {
        clock_.time = at(time);
        return scheduler_->tick();
    }
    void end(RunStatus status, std::size_t which = 0) {
        runner_->ended.push_back({.run = runner_->started.at(which).id,
                                  .status = status,
                                  .exit_code = is_good(status) ? 0 : 1,
                                  .snapshot = is_good(status) ? "abc" : "",
                                  .message = is_good(status) ? "" : "it broke"});
    }
    [[nodiscard]] std::vector<std::string> statuses(const std::string& job) {
        std::vector<std::string> names;
        for (const JobRun& run : store_.newest(job, 100)) {
            names.emplace(names.begin(), run_status_name(run.status));
        }
        return names;
    }

    MovedClock clock_;
    std::unique_ptr<OwnDatabase> database_ = state_in_memory();
    ScheduleStore store_{*database_};
    FakeListener listener_;
    std::unique_ptr<FakeRunner> runner_;
    std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace dbbackup
