#include "engine/open_runs.hpp"

#include "base/error.hpp"
#include "base/wait.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

/// How often it is looked whether open runs have ended.
constexpr std::chrono::milliseconds kLookEvery = std::chrono::seconds(2);

std::chrono::milliseconds since(std::chrono::steady_clock::time_point then) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 then);
}

}  // namespace

void pause(const Pause& how, std::chrono::milliseconds time, std::stop_token stop) {
    if (time > std::chrono::milliseconds(0)) {
        how ? how(time, stop) : wait_unless_stopped(time, stop);
    }
    if (stop.stop_requested()) {
        throw Cancelled();
    }
}

bool is_dead(const IsDead& answer, const KnownRun& run) {
    return answer ? answer(run) : has_ended(run.process);
}

OpenRuns::OpenRuns(Repository& repository, const PruneOptions& options, RunId own,
                   std::stop_token stop)
    : repository_(repository), options_(options), own_(std::move(own)), stop_(std::move(stop)) {}

const std::vector<KnownRun>& OpenRuns::look() {
    const CollectorRecords records =
        read_collector_records(repository_.storage(), repository_.keys(), stop_);
    open_ = list_runs(repository_.storage(), repository_.keys(), records, stop_);
    for (const KnownRun& run : open_) {
        now_ = run.id == own_ ? std::max(now_, run.seen_at) : now_;
    }
    std::erase_if(open_, [this](const KnownRun& run) {
        return run.is_decided || run.id == own_ || (counting_ && !counting_->contains(run.id));
    });
    if (!counting_) {
        counting_.emplace();
        for (const KnownRun& run : open_) {
            counting_->insert(run.id);
        }
    }
    return open_;
}

bool OpenRuns::is_stale(const KnownRun& run) const {
    return now_ - run.seen_at >= options_.give_up_after;
}

bool OpenRuns::has_watched_enough(const KnownRun& run) {
    const Watched now{run.newest_sign, std::chrono::steady_clock::now()};
    Watched& seen = watched_.try_emplace(run.id, now).first->second;
    if (seen.sign != run.newest_sign) {
        seen = now;
    }
    return since(seen.since) >= options_.watch;
}

void OpenRuns::give_up_dead(PruneReport& report) {
    std::erase_if(open_, [&](const KnownRun& run) {
        const bool is_watched = has_watched_enough(run);
        const bool goes = is_dead(options_.is_dead, run) || (is_stale(run) && is_watched);
        if (goes) {
            give_up(repository_.storage(), repository_.keys(), run, own_, "no sign of life", stop_);
            report.given_up.push_back(run.id);
        }
        // Live collectors are not waited for.
        return goes || (run.is_collection() && !is_stale(run));
    });
}

std::vector<KnownRun> OpenRuns::settle(PruneReport& report) {
    const auto begun = std::chrono::steady_clock::now();
    std::chrono::milliseconds paused{0};  // A test's pauses take no time.
    for (;; look()) {
        give_up_dead(report);
        const bool watches = std::any_of(open_.begin(), open_.end(),
                                         [this](const KnownRun& run) { return is_stale(run); });
        const std::chrono::milliseconds limit =
            watches ? std::max(options_.wait, options_.watch) : options_.wait;
        const std::chrono::milliseconds waited = std::max(paused, since(begun));
        if (open_.empty() || waited >= limit) {
            std::erase_if(open_, [](const KnownRun& run) { return run.is_collection(); });
            return open_;
        }
        const std::chrono::milliseconds time = std::min(kLookEvery, limit - waited);
        pause(options_.pause, time, stop_);
        paused += time;
    }
}

}  // namespace dbbackup
