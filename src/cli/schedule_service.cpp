#include "cli/schedule_service.hpp"

#include "base/error.hpp"
#include "cli/schedule_delivery.hpp"
#include "cli/schedule_jobs.hpp"
#include "cli/snapshot_text.hpp"
#include "repository/run.hpp"
#include "schedule/state_file.hpp"
#include "sys/detached_process.hpp"
#include "sys/paths.hpp"
#include "sys/service_signs.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds kRunsKept = std::chrono::hours(24 * 90);
constexpr std::size_t kRunsKeptOfEach = 50;
constexpr seconds kTellingMax = std::chrono::minutes(10);
constexpr seconds kTellingAtEnd(20);
constexpr seconds kLongestWait(2);
constexpr seconds kPauseAfterError(10);

/// What every call of this program for a job begins with.
std::vector<std::string> program_words(const std::string& program, const CommandContext& context) {
    std::vector<std::string> words = {program};
    const std::vector<std::string> options = shared_options(context);
    words.insert(words.end(), options.begin(), options.end());
    return words;
}

}  // namespace

std::filesystem::path schedule_state_file() { return state_home() / "schedule.db"; }
std::filesystem::path schedule_lock_file() { return state_home() / "schedule.pid"; }

std::filesystem::path schedule_log_file() { return state_home() / "schedule.log"; }
std::filesystem::path job_lock_file() { return state_home() / "schedule.locks"; }

std::string program_path() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

ScheduleService::ScheduleService(CommandContext& context, seconds grace)
    : context_(context),
      program_(program_path()),
      secrets_(secret_variables(context.loaded)),
      loaded_(std::make_shared<LoadedConfig>(context.loaded)),
      config_(&loaded_->config),
      // What is written down at the end is written down even when a stop is asked for.
      database_(open_state_file(schedule_state_file(), {})),
      store_(*database_),
      outbox_(*database_),
      facts_(*database_),
      notices_(outbox_, config_, host_name(), context.log, [this] { return now(); }),
      counted_(facts_, notices_),
      runner_([this](const JobRun& run) { return steps_of(run); }, secrets_, grace,
              job_lock_file()),
      scheduler_(*database_, store_, runner_, counted_, context.clock,
                 context.config().scheduler.max_parallel),
      metrics_(context, loaded_) {}

sys_seconds ScheduleService::now() const {
    return std::chrono::floor<seconds>(context_.clock.now());
}

std::vector<JobStep> ScheduleService::steps_of(const JobRun& run) {
    notices_.begins(run);
    return job_steps(program_words(program_, context_), config_->schedules.at(run.job),
                     {.newest_full = store_.marked(run.job, kFullMark),
                      .newest_verify = store_.marked(run.job, kVerifyMark),
                      .now = now()});
}

void ScheduleService::run(bool is_detached) {
    store_.trim(now() - kRunsKept, kRunsKeptOfEach);
    outbox_.trim(now() - kRunsKept);
    scheduler_.set_jobs(job_settings(*config_, host_name()), config_->scheduler.max_parallel);
    scheduler_.recover();
    metrics_.ticked(now());
    metrics_.use(loaded());
    const std::stop_callback on_stop(context_.stop, [this] { runner_.wake(); });
    say_ready(is_detached);
    std::jthread teller([this](const std::stop_token& stop) { deliver_messages(stop); });
    while (!context_.stop.stop_requested()) {
        if (is_reload_asked_.exchange(false)) {
            reload();
        }
        const sys_seconds next = scheduler_.tick();
        metrics_.ticked(now());
        wait_until(next);
    }
    tell_service_manager("STOPPING=1");
    end_runs();
    write_metrics();
    tell_at_end(teller);
    context_.log.info("the scheduler was stopped");
}

void ScheduleService::say_ready(bool is_detached) {
    const std::size_t jobs = config_->schedules.size();
    if (context_.output.is_json()) {
        context_.output.document(
            {{"process", ::getpid()}, {"jobs", jobs}, {"pid_file", schedule_lock_file().string()}});
    } else if (!is_detached) {
        context_.remark(
            fmt::format("the scheduler runs {}; end it with Ctrl-C or `db-backup "
                        "schedule stop`",
                        counted(jobs, "job")));
    }
    context_.log.info("the scheduler runs", {{"jobs", std::to_string(jobs)}});
    if (is_detached) {
        leave_standard_streams();
    }
    tell_service_manager(
        fmt::format("READY=1\nMAINPID={}\nSTATUS={}", ::getpid(), counted(jobs, "job")));
}

void ScheduleService::wait_until(sys_seconds time) {
    milliseconds wait = std::max(time - now(), seconds(0));
    if (const auto watchdog = watchdog_interval()) {
        tell_service_manager("WATCHDOG=1");
        wait = std::min(wait, std::chrono::duration_cast<milliseconds>(*watchdog));
    }
    if (const auto longest = metrics_.longest_wait()) {
        wait = std::min<milliseconds>(wait, *longest);
    }
    runner_.wait_for(wait);
}

void ScheduleService::end_runs() {
    scheduler_.stop();
    // A run that is killed after its grace has ended, too.
    while (!scheduler_.is_idle()) {
        static_cast<void>(scheduler_.tick());
        runner_.wait_for(seconds(1));
        tell_service_manager("WATCHDOG=1");
    }
}

void ScheduleService::reload() {
    tell_service_manager("RELOADING=1");
    try {
        // Variables that were taken out of the environment are known from the start.
        Environment environment = process_environment();
        for (const std::string& variable : secrets_) {
            const std::size_t equals = variable.find('=');
            environment.try_emplace(variable.substr(0, equals), variable.substr(equals + 1));
        }
        LoadedConfig loaded = load_config(context_.loaded.config.path, environment);
        std::vector<JobSettings> jobs = job_settings(loaded.config, host_name());
        const auto shared = std::make_shared<const LoadedConfig>(std::move(loaded));
        metrics_.use(shared);
        {
            const std::lock_guard lock(mutex_);
            loaded_ = shared;
        }
        config_ = &shared->config;
        scheduler_.set_jobs(std::move(jobs), config_->scheduler.max_parallel);
        context_.log.info("the configuration was read again",
                          {{"jobs", std::to_string(config_->schedules.size())}});
    } catch (const Error& error) {
        context_.log.error(fmt::format(
            "the configuration is invalid, and the old one stays in force: {}", error.what()));
        context_.errors.line(fmt::format(
            "db-backup: warning: the configuration is invalid, and the old one stays in force:\n{}",
            error.what()));
    }
    tell_service_manager(fmt::format("READY=1\nSTATUS={} jobs", config_->schedules.size()));
}

/// What the ends of the last runs have changed.
void ScheduleService::write_metrics() { write_metrics_file(*database_, *config_, context_.log); }

void ScheduleService::ask_to_reload() {
    is_reload_asked_ = true;
    runner_.wake();
}

JobRun ScheduleService::run_once(const std::string& job, const RunByHand& by_hand) {
    if (!config_->schedules.contains(job)) {
        throw unknown_job(job, *config_);
    }
    const std::stop_callback on_stop(context_.stop, [this] { runner_.wake(); });
    scheduler_.set_jobs(job_settings(*config_, host_name()), config_->scheduler.max_parallel);
    const JobRun run = scheduler_.run_now(job, by_hand);
    while (!scheduler_.is_idle()) {
        if (context_.stop.stop_requested()) {
            scheduler_.stop();
        }
        runner_.wait_for(seconds(1));
        scheduler_.take_ends();
    }
    write_metrics();
    std::jthread none;
    tell_at_end(none);
    return store_.run(run.id).value_or(run);
}

void ScheduleService::deliver_messages(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            // A connection of its own: one thread at a time has one.
            const std::unique_ptr<OwnDatabase> database =
                open_state_file(schedule_state_file(), stop);
            Outbox outbox(*database);
            while (!stop.stop_requested()) {
                tell_outbox(outbox, *loaded(), context_, kTellingMax, enough_told_.get_token());
                wait_for_messages(outbox, stop);
            }
        } catch (const Cancelled&) {
            return;
        } catch (const std::exception& error) {
            context_.log.error(fmt::format("notifications wait: {}", error.what()));
            std::unique_lock lock(mutex_);
            something_to_tell_.wait_for(lock, stop, kPauseAfterError, [] { return false; });
        }
    }
}

/// What the last runs have to tell, though not for long; the rest is told after the next start.
/// What is being told is not cut off at once: it may have arrived, and would be told again.
void ScheduleService::tell_at_end(std::jthread& teller) {
    const std::jthread timer([&](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        something_to_tell_.wait_for(lock, stop, kTellingAtEnd, [] { return false; });
        enough_told_.request_stop();
    });
    if (teller.joinable()) {
        teller.request_stop();
        teller.join();
    }
    try {
        tell_outbox(outbox_, *loaded(), context_, kTellingAtEnd, enough_told_.get_token());
    } catch (const Cancelled&) {
        context_.log.warning("notifications wait for the next start");
    } catch (const std::exception& error) {
        context_.log.error(fmt::format("notifications wait for the next start: {}", error.what()));
    }
}

/// Others put messages in, too: look now and then.
void ScheduleService::wait_for_messages(Outbox& outbox, const std::stop_token& stop) {
    const std::optional<sys_seconds> next = outbox.next_time();
    const seconds wait = next ? std::clamp(*next - now(), seconds(0), kLongestWait) : kLongestWait;
    std::unique_lock lock(mutex_);
    something_to_tell_.wait_for(lock, stop, wait, [] { return false; });
}

std::shared_ptr<const LoadedConfig> ScheduleService::loaded() const {
    const std::lock_guard lock(mutex_);
    return loaded_;
}

}  // namespace dbbackup
