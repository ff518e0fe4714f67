#include "cli/progress_line.hpp"

#include "base/units.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace dbbackup {
namespace {

constexpr double kSmoothingSeconds = 5;
/// Before that, a rate is mostly noise, and time left would jump.
constexpr double kSecondsBeforeEstimate = 2;
/// More than this is not a useful estimate.
constexpr double kLeftSecondsMax = 86400.0 * 30;

std::string_view phase_word(Phase phase) {
    switch (phase) {
        case Phase::starting: return "starting";
        case Phase::reading: return "reading";
        case Phase::writing: return "writing";
        case Phase::verifying: return "verifying";
        case Phase::finishing: return "finishing";
    }
    return "";
}

}  // namespace

ProgressSample ProgressRate::sample(const Progress& progress,
                                    std::chrono::duration<double> elapsed) {
    ProgressSample sample;
    sample.phase = progress.phase.load();
    sample.bytes_total = progress.bytes_total.load();
    sample.bytes_done = progress.bytes_done.load();
    sample.bytes_stored = progress.bytes_stored.load();

    const double step = elapsed.count() - seconds_;
    if (sample.bytes_done < bytes_) {
        // A new part of the work counts from nought, for example verifying after restoring.
        bytes_ = 0;
        has_rate_ = false;
    }
    if (step > 0) {
        const double now = static_cast<double>(sample.bytes_done - bytes_) / step;
        const double weight = has_rate_ ? 1 - std::exp(-step / kSmoothingSeconds) : 1;
        bytes_per_second_ += weight * (now - bytes_per_second_);
        has_rate_ = has_rate_ || sample.bytes_done > 0;
        seconds_ = elapsed.count();
        bytes_ = sample.bytes_done;
    }
    sample.bytes_per_second = bytes_per_second_;
    if (sample.bytes_total > sample.bytes_done && bytes_per_second_ >= 1 &&
        elapsed.count() >= kSecondsBeforeEstimate) {
        const double left =
            static_cast<double>(sample.bytes_total - sample.bytes_done) / bytes_per_second_;
        if (left <= kLeftSecondsMax) {
            sample.left = std::chrono::seconds(std::llround(std::ceil(left)));
        }
    }
    return sample;
}

std::string progress_text(const ProgressSample& sample, std::string_view doing, std::size_t width) {
    // Most important first.
    std::vector<std::string> parts;
    if (sample.bytes_total > 0) {
        const double share =
            static_cast<double>(sample.bytes_done) / static_cast<double>(sample.bytes_total);
        parts.push_back(fmt::format("{:.0f} %", std::floor(std::min(1.0, share) * 100)));
    }
    if (sample.left) {
        parts.push_back(format_duration(*sample.left) + " left");
    }
    if (sample.bytes_per_second >= 1) {
        parts.push_back(
            format_size(static_cast<std::uint64_t>(std::llround(sample.bytes_per_second))) + "/s");
    }
    if (sample.bytes_total > 0) {
        parts.push_back(fmt::format("{} of {}",
                                    format_size(std::min(sample.bytes_done, sample.bytes_total)),
                                    format_size(sample.bytes_total)));
    } else if (sample.bytes_done > 0) {
        parts.push_back(format_size(sample.bytes_done));
    }
    if (sample.bytes_stored > 0) {
        parts.push_back(format_size(sample.bytes_stored) + " stored");
    }
    std::string text = fmt::format("{}: {}", doing, phase_word(sample.phase));
    if (text.size() > width) {
        text = std::string(phase_word(sample.phase)).substr(0, width);
    }
    for (const std::string& part : parts) {
        if (text.size() + 2 + part.size() <= width) {
            text += "  " + part;
        }
    }
    return text;
}

ProgressLine::ProgressLine(const Progress& progress, ProgressOptions options, StderrLines& lines,
                           Log& log)
    : progress_(progress), options_(std::move(options)), lines_(lines), log_(log) {
    if (options_.is_shown) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
}

ProgressLine::~ProgressLine() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
        lines_.clear_live();
    }
}

void ProgressLine::run(const std::stop_token& stop) {
    const auto begun = std::chrono::steady_clock::now();
    const bool is_live = lines_.can_redraw() && !options_.is_log_on_stderr;
    const auto interval = is_live ? options_.redraw_every : options_.log_every;
    ProgressRate rate;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, stop, interval, [&stop] { return stop.stop_requested(); })) {
        const ProgressSample sample =
            rate.sample(progress_, std::chrono::steady_clock::now() - begun);
        if (is_live) {
            // One column stays free: some terminals wrap when the last one is written.
            const std::size_t width = columns_of(STDERR_FILENO).value_or(options_.width);
            lines_.live(progress_text(sample, options_.doing, width - 1));
            continue;
        }
        const std::string text = progress_text(sample, options_.doing, 200);
        log_.info(text);
        if (!options_.is_log_on_stderr) {
            lines_.line("db-backup: " + text);
        }
    }
}

}  // namespace dbbackup
