#include "schedule/scheduler.hpp"

#include "base/error.hpp"
#include "calendar/spread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Clocks jump, and files change: look so often at least.
constexpr seconds kLongestSleep = std::chrono::minutes(1);

}  // namespace

Scheduler::Scheduler(OwnDatabase& database, ScheduleStore& store, JobRunner& runner,
                     ScheduleListener& listener, const Clock& clock, std::size_t max_parallel)
    : database_(database),
      store_(store),
      runner_(runner),
      listener_(listener),
      clock_(clock),
      max_parallel_(max_parallel) {}

sys_seconds Scheduler::now() const { return std::chrono::floor<seconds>(clock_.now()); }

bool Scheduler::is_running(const std::string& job) const {
    return elsewhere_.contains(job) ||
           std::any_of(running_.begin(), running_.end(),
                       [&job](const auto& each) { return each.second.job == job; });
}

void Scheduler::keep(Job& job) {
    store_.remember(job.settings.name, job.memory);
    job.due = job.settings.timetable.next(job.memory.looked_at, job.memory.past);
}

void Scheduler::set_jobs(std::vector<JobSettings> jobs, std::size_t max_parallel) {
    const sys_seconds time = now();
    std::map<std::string, Job> wanted;
    OwnTransaction transaction(database_);
    for (JobSettings& settings : jobs) {
        const std::string name = settings.name;
        Job job{.settings = std::move(settings), .memory = {}, .due = {}};
        if (const std::optional<JobMemory> known = store_.memory(name)) {
            job.memory = *known;
            job.due = job.settings.timetable.next(job.memory.looked_at, job.memory.past);
        } else {
            job.memory.looked_at = time;  // What was due before it was there was not missed.
            keep(job);
        }
        wanted.emplace(name, std::move(job));
    }
    for (const auto& [name, job] : jobs_) {
        if (!wanted.contains(name)) {
            store_.forget(name);
        }
    }
    transaction.commit();
    jobs_ = std::move(wanted);
    max_parallel_ = max_parallel;
}

void Scheduler::recover() {
    const sys_seconds time = now();
    OwnTransaction transaction(database_);
    read_again(time);
    transaction.commit();
}

/// What other processes did since: `schedule run` beside us, or one that died in the middle.
void Scheduler::read_again(sys_seconds now) {
    const std::int64_t version = database_.integer("PRAGMA data_version");
    if (version != version_) {
        version_ = version;
        for (auto& [name, job] : jobs_) {
            if (const std::optional<JobMemory> known = store_.memory(name)) {
                job.memory = *known;
                job.due = job.settings.timetable.next(job.memory.looked_at, job.memory.past);
            }
        }
    }
    std::set<std::string> ours;
    for (const auto& [id, running] : running_) {
        ours.insert(running.job);
    }
    elsewhere_.clear();
    for (const JobRun& run : store_.running()) {
        if (running_.contains(run.id)) {
            continue;
        }
        // Who runs a job has claimed it, so what else is said to run of ours is dead.
        if (!ours.contains(run.job) && runner_.is_claimed(run.job)) {
            elsewhere_.insert(run.job);
            continue;
        }
        end_run({.run = run.id,
                 .status = RunStatus::interrupted,
                 .exit_code = static_cast<int>(ExitCode::failure),
                 .message = "the scheduler, or the machine, ended while it ran"},
                nullptr, now);
    }
}

sys_seconds Scheduler::tick() {
    const sys_seconds time = now();
    {
        OwnTransaction transaction(database_);
        read_again(time);
        end_runs(time);
        for (auto& [name, job] : jobs_) {
            look(job, time);
        }
        transaction.commit();
    }
    stop_late(time);
    start_pending(time);
    return wake_time(time);
}

void Scheduler::end_runs(sys_seconds now) {
    for (RunEnd& end : runner_.take_ended()) {
        const auto running = running_.find(end.run);
        std::optional<RunByHand> by_hand;
        if (running != running_.end()) {
            if (running->second.is_timed_out && !is_good(end.status)) {
                end.status = RunStatus::timed_out;
                end.message = "it took longer than its timeout, and was ended";
            } else if (running->second.is_stopped && !is_good(end.status)) {
                end.status = RunStatus::interrupted;
                end.message = "the scheduler was stopped while it ran";
            }
            by_hand = running->second.by_hand;
            running_.erase(running);
        }
        end_run(end, by_hand ? &*by_hand : nullptr, now);
    }
}

void Scheduler::end_run(const RunEnd& end, const RunByHand* by_hand, sys_seconds now) {
    std::optional<JobRun> run = store_.run(end.run);
    if (!run) {
        return;
    }
    run->ended = now;
    run->status = end.status;
    run->exit_code = end.exit_code;
    run->snapshot = end.snapshot;
    run->message = end.message;
    run->hint = end.hint;
    store_.update(*run);
    for (const std::string& what : end.done) {
        store_.mark(run->job, what, run->began.value_or(now));
    }
    const auto found = jobs_.find(run->job);
    if (found == jobs_.end()) {
        return;  // It was taken out of the configuration meanwhile.
    }
    Job& job = found->second;
    JobPast& past = job.memory.past;
    const unsigned failures = past.failures;
    past.last_end = now;
    if (is_good(run->status)) {
        constexpr int kOldShare = 3;
        const seconds took = std::max(now - run->began.value_or(now), seconds(0));
        past.usual_duration =
            past.newest_good ? (past.usual_duration * kOldShare + took) / (kOldShare + 1) : took;
        past.newest_good = run->began;
        past.failures = 0;
        job.memory.is_alarmed = false;
    } else {
        ++past.failures;
        if (by_hand == nullptr) {
            plan_again(job, *run, now);
        }
    }
    keep(job);
    listener_.ended(job.settings, *run, again_at(job, *run, by_hand, now), failures);
}

std::optional<sys_seconds> Scheduler::again_at(const Job& job, const JobRun& run,
                                               const RunByHand* by_hand, sys_seconds now) {
    if (by_hand != nullptr) {
        const bool is_again = by_hand->again_after && run.status != RunStatus::interrupted;
        return is_again ? std::optional(now + *by_hand->again_after) : std::nullopt;
    }
    const bool is_again = job.memory.pending && job.memory.pending->attempt > 1;
    return is_again ? std::optional(job.memory.pending->begin) : std::nullopt;
}

/// A goal needs no further tries: it stays unreached.
void Scheduler::plan_again(Job& job, const JobRun& run, sys_seconds now) {
    if (job.memory.pending || job.settings.timetable.goal() != nullptr) {
        return;
    }
    const bool is_interrupted = run.status == RunStatus::interrupted;
    // What ended with the machine deserves another try, but not for ever: it may be what ends it.
    const unsigned retries = is_interrupted && job.settings.catch_up == CatchUp::once
                                 ? std::max(job.settings.retries, 2U)
                                 : job.settings.retries;
    if (run.attempt > retries || (is_interrupted && job.settings.catch_up == CatchUp::skip)) {
        return;
    }
    const seconds pause = is_interrupted ? jitter_of(job, run.due)
                                         : pause_after(job.settings.retry_pause, run.attempt);
    job.memory.pending =
        PendingRun{.due = run.due, .begin = now + pause, .attempt = run.attempt + 1};
}

seconds Scheduler::jitter_of(const Job& job, sys_seconds due) const {
    const auto most = static_cast<std::uint64_t>(job.settings.jitter.count());
    return seconds(
        spread_of(job.settings.name, static_cast<std::size_t>(due.time_since_epoch().count())) %
        (most + 1));
}

void Scheduler::stop_late(sys_seconds now) {
    for (auto& [id, running] : running_) {
        if (running.deadline && now >= *running.deadline && !running.is_timed_out) {
            running.is_timed_out = true;
            runner_.stop(id);
        }
    }
}

void Scheduler::start_pending(sys_seconds now) {
    if (is_stopping_) {
        return;
    }
    std::vector<Job*> ready;
    for (auto& [name, job] : jobs_) {
        if (job.memory.pending && job.memory.pending->begin <= now && !is_running(name)) {
            ready.push_back(&job);
        }
    }
    std::stable_sort(ready.begin(), ready.end(), [](const Job* left, const Job* right) {
        return left->memory.pending->begin < right->memory.pending->begin;
    });
    for (Job* const job : ready) {
        if (running_.size() >= max_parallel_) {
            return;
        }
        start(*job, now);
    }
}

std::optional<std::int64_t> Scheduler::start(Job& job, sys_seconds now) {
    if (!runner_.claim(job.settings.name)) {
        return std::nullopt;
    }
    const PendingRun pending = *job.memory.pending;
    JobRun run;
    run.job = job.settings.name;
    run.due = run.last_due = pending.due;
    run.attempt = pending.attempt;
    run.began = now;
    {
        // It is known to run before it does.
        OwnTransaction transaction(database_);
        run.id = store_.add(run);
        job.memory.pending.reset();
        keep(job);
        transaction.commit();
    }
    running_[run.id] = {.job = run.job,
                        .deadline = job.settings.timeout.count() > 0
                                        ? std::optional(now + job.settings.timeout)
                                        : std::nullopt,
                        .by_hand = std::nullopt};
    runner_.start(run);
    return run.id;
}

JobRun Scheduler::run_now(const std::string& name, const RunByHand& by_hand) {
    Job& job = jobs_.at(name);
    const std::optional<PendingRun> waiting = job.memory.pending;
    job.memory.pending = PendingRun{.due = now(), .begin = now(), .attempt = by_hand.attempt};
    const std::optional<std::int64_t> id = start(job, now());
    job.memory.pending = waiting;
    if (!id) {
        throw explained<ConfigError>(fmt::format("the job {} runs already", name),
                                     "See: db-backup schedule list.", "job_running");
    }
    running_.at(*id).by_hand = by_hand;
    if (waiting) {
        OwnTransaction transaction(database_);
        keep(job);
        transaction.commit();
    }
    return store_.run(*id).value_or(JobRun{});
}

void Scheduler::take_ends() {
    {
        OwnTransaction transaction(database_);
        read_again(now());
        end_runs(now());
        transaction.commit();
    }
    stop_late(now());
}

void Scheduler::stop() {
    is_stopping_ = true;
    for (auto& [id, running] : running_) {
        if (!running.is_stopped) {
            running.is_stopped = true;
            runner_.stop(id);
        }
    }
}

std::optional<sys_seconds> Scheduler::next(const std::string& job) const {
    const auto found = jobs_.find(job);
    if (found == jobs_.end()) {
        return std::nullopt;
    }
    const JobMemory& memory = found->second.memory;
    if (memory.pending) {
        return memory.pending->begin;
    }
    return found->second.due;
}

sys_seconds Scheduler::wake_time(sys_seconds now) const {
    sys_seconds wake = now + kLongestSleep;
    for (const auto& [name, job] : jobs_) {
        if (job.due && *job.due > now) {
            wake = std::min(wake, *job.due);
        }
        if (job.memory.pending && job.memory.pending->begin > now) {
            wake = std::min(wake, job.memory.pending->begin);
        }
    }
    for (const auto& [id, running] : running_) {
        if (running.deadline && *running.deadline > now) {
            wake = std::min(wake, *running.deadline);
        }
    }
    return wake;
}

}  // namespace dbbackup
