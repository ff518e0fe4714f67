#pragma once

/// @file
/// The sections `schedules` and `scheduler`: what runs when.

#include "config/enums.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// What becomes of a run whose time passed while no scheduler ran.
enum class CatchUp : std::uint8_t {
    once,  ///< It is made up for, once for all that were missed.
    skip,  ///< It is reported as missed.
};

template <>
struct EnumWords<CatchUp> {
    static constexpr std::array<std::string_view, 2> words = {"once", "skip"};
};

/// What is sensible at most, in the configuration and on the command line.
inline constexpr std::chrono::seconds kScheduleSpanMax = std::chrono::hours(24 * 366);
inline constexpr unsigned kRetriesMax = 100;
inline constexpr unsigned kParallelMax = 64;

/// A job: when something is backed up, and what follows. Exactly one of `cron`, `every` and `goal`.
struct ScheduleConfig {
    std::string source;
    std::vector<std::string> repositories;  ///< Empty: where the source goes by itself.
    std::string cron;
    std::optional<std::chrono::seconds> every;
    std::optional<std::chrono::seconds> goal;  ///< There is never no good backup older than that.
    std::string timezone = "local";
    BackupMode mode = BackupMode::incremental;
    std::optional<std::chrono::seconds> full_every;
    CatchUp catch_up = CatchUp::once;
    std::chrono::seconds jitter{0};
    std::chrono::seconds timeout{0};  ///< 0: none.
    unsigned retries = 2;
    std::string retention;  ///< Rules of `retention` to prune by; "": none.
    std::optional<std::chrono::seconds> verify_every;  ///< Also verify, so often at least.
    std::vector<std::string> notify;                   ///< Names of `notifications`.
};

/// What holds for all jobs.
struct SchedulerConfig {
    unsigned max_parallel = 2;
};

}  // namespace dbbackup
