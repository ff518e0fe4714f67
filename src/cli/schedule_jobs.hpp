#pragma once

/// @file
/// From the configuration's schedules to what the scheduler runs.

#include "base/error.hpp"
#include "cli/command_context.hpp"
#include "config/config.hpp"
#include "schedule/child_runner.hpp"
#include "schedule/job.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// What the store remembers of runs that did more than others.
inline constexpr std::string_view kFullMark = "full";
inline constexpr std::string_view kVerifyMark = "verify";

/// What a job's past says about its next run.
struct StepFacts {
    std::optional<std::chrono::sys_seconds> newest_full;
    std::optional<std::chrono::sys_seconds> newest_verify;
    std::chrono::sys_seconds now{};
};

/// An error for a job that the configuration does not have, with the nearest that it has.
[[nodiscard]] ConfigError unknown_job(const std::string& job, const Config& config);

/// All jobs of the configuration, in the order of their names. @param host What the offsets of
/// intervals and `H` depend on, beside the name. @throws ConfigError as `Timetable`.
[[nodiscard]] std::vector<JobSettings> job_settings(const Config& config, const std::string& host);

/// The commands of one run: the backup, then `prune` by the retention, then `verify` when that is
/// due. @param program The path of this program, and what follows it in every call.
[[nodiscard]] std::vector<JobStep> job_steps(const std::vector<std::string>& program,
                                             const ScheduleConfig& schedule,
                                             const StepFacts& facts);

/// The options of our own call that hold for the calls of the jobs, too: which configuration, and
/// where to log to.
[[nodiscard]] std::vector<std::string> shared_options(const CommandContext& context);

/// The secrets that we took out of our own environment, as "NAME=value", for the processes that run
/// the jobs.
[[nodiscard]] std::vector<std::string> secret_variables(const LoadedConfig& loaded);

}  // namespace dbbackup
