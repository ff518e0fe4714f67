#pragma once

/// @file
/// What the scheduler knows of a job, and what becomes of its runs.

#include "config/schedule_config.hpp"
#include "schedule/timetable.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

inline constexpr std::chrono::seconds kRetryPause = std::chrono::minutes(1);

struct JobSettings {
    std::string name;
    Timetable timetable;
    CatchUp catch_up = CatchUp::once;
    /// A run begins so much later at most: another span for each run, the same in each try to
    /// tell it.
    std::chrono::seconds jitter{0};
    std::chrono::seconds timeout{0};                 ///< 0: none.
    unsigned retries = 0;                            ///< Further tries of a run that failed.
    std::chrono::seconds retry_pause = kRetryPause;  ///< Doubled with each try.
};

/// How long to wait after a try that failed. @param first After the first. @param attempt From 1.
[[nodiscard]] constexpr std::chrono::seconds pause_after(std::chrono::seconds first,
                                                         unsigned attempt) {
    constexpr unsigned kDoublings = 10;
    return first * (1U << std::min(attempt - 1, kDoublings));
}

enum class RunStatus : std::uint8_t {
    running,
    succeeded,
    incomplete,  ///< A snapshot was taken, but something was left out.
    failed,
    timed_out,
    interrupted,  ///< The scheduler, or the machine, ended while it ran.
    missed,       ///< No scheduler ran when it was due, and it was not made up for.
    caught_up,    ///< No scheduler ran when it was due; a later run stands for it.
    skipped,      ///< The run before was still at it.
};

/// One run, or several that were due and did not take place.
struct JobRun {
    std::int64_t id = 0;
    std::string job;
    std::chrono::sys_seconds due{};       ///< When it was to be, of several the first.
    std::chrono::sys_seconds last_due{};  ///< Of several the last.
    std::int64_t count = 1;
    unsigned attempt = 1;
    std::optional<std::chrono::sys_seconds> began;
    std::optional<std::chrono::sys_seconds> ended;
    RunStatus status = RunStatus::running;
    int exit_code = 0;
    std::string snapshot;  ///< "" without one.
    std::string message;   ///< What went wrong, in the words of who noticed.
    std::string hint;      ///< What to do; "" for nothing.
};

/// How a run ended.
struct RunEnd {
    std::int64_t run = 0;
    RunStatus status = RunStatus::failed;
    int exit_code = 0;
    std::string snapshot = {};
    std::string message = {};
    std::string hint = {};               ///< What to do.
    std::vector<std::string> done = {};  ///< What not every run does, and this one did well.
};

/// "succeeded", "timed_out" …
[[nodiscard]] std::string_view run_status_name(RunStatus status);

/// A snapshot came of it.
[[nodiscard]] constexpr bool is_good(RunStatus status) {
    return status == RunStatus::succeeded || status == RunStatus::incomplete;
}

}  // namespace dbbackup
