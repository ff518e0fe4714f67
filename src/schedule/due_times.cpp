/// @file
/// The part of the scheduler that looks for what is due, and for what should have been.

#include "schedule/scheduler.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Whoever looks so late was not there, or was suspended.
constexpr seconds kLate = std::chrono::minutes(1);
/// A clock that is set back by less catches up with itself, and nothing runs twice.
constexpr seconds kSetBack = std::chrono::hours(1);
/// More due times than these are not counted one by one.
constexpr std::int64_t kCounted = 1'000'000;

}  // namespace

void Scheduler::look(Job& job, sys_seconds now) {
    if (job.memory.looked_at - now > kSetBack) {
        listener_.clock_was_set_back(job.memory.looked_at - now);
        job.memory.looked_at = now;
        keep(job);
    }
    look_for_age(job, now);
    if (job.settings.timetable.goal() != nullptr) {
        look_at_goal(job, now);
    } else if (job.due && *job.due <= now) {
        deal_with_due(job, now);
    }
}

void Scheduler::look_at_goal(Job& job, sys_seconds now) {
    if (!job.due || *job.due > now || job.memory.pending || is_running(job.settings.name)) {
        return;
    }
    // One that is long due is due now.
    job.memory.pending = PendingRun{.due = now, .begin = now + jitter_of(job, now), .attempt = 1};
    job.memory.looked_at = now;
    keep(job);
}

void Scheduler::look_for_age(Job& job, sys_seconds now) {
    const Goal* const goal = job.settings.timetable.goal();
    const std::optional<sys_seconds> newest = job.memory.past.newest_good;
    // Without any good backup, the first failure tells enough.
    if (goal == nullptr || job.memory.is_alarmed || !newest || now - *newest <= goal->age) {
        return;
    }
    job.memory.is_alarmed = true;
    keep(job);
    listener_.too_old(job.settings, newest);
}

void Scheduler::deal_with_due(Job& job, sys_seconds now) {
    const sys_seconds first = *job.due;
    sys_seconds last = first;
    sys_seconds before = first;
    std::int64_t count = 1;
    for (auto next = job.settings.timetable.next(last, {});
         next && *next <= now && count < kCounted; next = job.settings.timetable.next(last, {})) {
        before = std::exchange(last, *next);
        ++count;
    }
    const bool is_late = now - last > kLate;
    const std::optional<PendingRun> waiting = job.memory.pending;
    if (waiting && waiting->attempt == 1) {
        note(job, RunStatus::caught_up, waiting->due, waiting->due, 1,
             "it waited until the next was due", false);
    }
    job.memory.pending.reset();
    if (is_late && job.settings.catch_up == CatchUp::skip) {
        note(job, RunStatus::missed, first, last, count, "no scheduler ran", true);
    } else {
        if (count > 1) {
            note(job, RunStatus::caught_up, first, before, count - 1,
                 "no scheduler ran; a later run stands for it", true);
        }
        if (is_running(job.settings.name)) {
            note(job, RunStatus::skipped, last, last, 1, "the run before was still at it", true);
        } else {
            job.memory.pending =
                PendingRun{.due = last, .begin = now + jitter_of(job, last), .attempt = 1};
        }
    }
    job.memory.looked_at = now;
    keep(job);
}

void Scheduler::note(const Job& job, RunStatus status, sys_seconds first, sys_seconds last,
                     std::int64_t count, std::string message, bool is_told) {
    JobRun run;
    run.job = job.settings.name;
    run.due = first;
    run.last_due = last;
    run.count = count;
    run.ended = now();
    run.status = status;
    run.message = std::move(message);
    run.id = store_.add(run);
    if (is_told) {
        listener_.missed(job.settings, run);
    }
}

}  // namespace dbbackup
