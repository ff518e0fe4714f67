#pragma once

/// @file
/// From the configuration's schedules to what the scheduler runs.

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

/// All jobs of the configuration, in the order of their names. @param host What the offsets of
/// intervals and `H` depend on, beside the name. @throws ConfigError as `Timetable`.
[[nodiscard]] std::vector<JobSettings> job_settings(const Config& config, const std::string& host);

/// The commands of one run: the backup, then `prune` by the retention, then `verify` when that is
/// due. @param program The path of this program.
[[nodiscard]] std::vector<JobStep> job_steps(const std::string& program,
                                             const std::optional<std::string>& config_file,
                                             const ScheduleConfig& schedule,
                                             const StepFacts& facts);

/// The secrets that we took out of our own environment, as "NAME=value", for the processes that run
/// the jobs.
[[nodiscard]] std::vector<std::string> secret_variables(const LoadedConfig& loaded);

}  // namespace dbbackup
