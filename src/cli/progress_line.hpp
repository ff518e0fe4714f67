#pragma once

/// @file
/// How far a command has come, for who waits for it: a live line on a terminal, a line every half
/// minute elsewhere. Always on stderr.

#include "base/log.hpp"
#include "cli/stderr_lines.hpp"
#include "engine/progress.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace dbbackup {

/// The counters of `Progress` at one moment, and what follows from earlier ones.
struct ProgressSample {
    Phase phase = Phase::starting;
    std::uint64_t bytes_total = 0;
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_stored = 0;
    double bytes_per_second = 0;
    std::optional<std::chrono::seconds> left;  ///< Nothing while it can not be told.
};

/// Makes rate and time left from counters. Smooths over about five seconds, so that the numbers
/// can be read. Not thread-safe.
class ProgressRate {
public:
    /// @param elapsed Since the command began; never less than at the last call.
    [[nodiscard]] ProgressSample sample(const Progress& progress,
                                        std::chrono::duration<double> elapsed);

private:
    double seconds_ = 0;
    std::uint64_t bytes_ = 0;
    double bytes_per_second_ = 0;
    bool has_rate_ = false;
};

/// "reading 45 %  1.2 GiB of 2.6 GiB  210 MiB/s  7 s left  300 MiB stored", cut to `width` columns
/// by leaving out what matters least.
[[nodiscard]] std::string progress_text(const ProgressSample& sample, std::string_view doing,
                                        std::size_t width);

struct ProgressOptions {
    std::string doing;  ///< "backing up sqlite-test"
    bool is_shown = true;
    /// The log shows lines of level info on stderr already.
    bool is_log_on_stderr = false;
    std::size_t width = 80;  ///< Where the terminal does not tell.
    std::chrono::milliseconds redraw_every{200};
    std::chrono::milliseconds log_every{30'000};
};

/// Shows progress from its construction to its destruction, from a thread of its own. The
/// destructor leaves no trace of the live line.
class ProgressLine {
public:
    /// All borrowed; they outlive it.
    ProgressLine(const Progress& progress, ProgressOptions options, StderrLines& lines, Log& log);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

private:
    void run(const std::stop_token& stop);

    const Progress& progress_;
    ProgressOptions options_;
    StderrLines& lines_;
    Log& log_;
    std::jthread thread_;
};

}  // namespace dbbackup
