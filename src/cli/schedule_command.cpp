/// @file
/// `db-backup schedule`: runs jobs when they are due, and shows what became of them.

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/schedule_jobs.hpp"
#include "cli/schedule_service.hpp"
#include "cli/shell_word.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/table.hpp"
#include "config/problems.hpp"
#include "schedule/state_file.hpp"
#include "sys/only_one.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds kGrace = std::chrono::minutes(1);

void require_jobs(const Config& config) {
    if (config.schedules.empty()) {
        throw explained<ConfigError>(
            "the configuration has no schedules",
            "Add one under `schedules:`, such as nightly: {source: shop, cron: \"30 2 * * *\"}.",
            "no_schedules");
    }
}

ExitCode start(const ScheduleArguments& arguments, CommandContext& context) {
    require_jobs(context.config());
    std::filesystem::create_directories(schedule_lock_file().parent_path());
    const std::optional<OnlyOne> lock = OnlyOne::take(schedule_lock_file());
    if (!lock) {
        throw explained<ConfigError>("a scheduler runs already",
                                     "See its jobs with `db-backup schedule list`, or end it with "
                                     "`db-backup schedule stop`.",
                                     "scheduler_running");
    }
    ScheduleService service(context, arguments.grace.value_or(kGrace));
    context.signals.on_hangup([&service] { service.ask_to_reload(); });
    service.run();
    context.signals.on_hangup({});
    return ExitCode::success;
}

ExitCode stop(const ScheduleArguments& arguments, CommandContext& context) {
    const std::optional<int> process = OnlyOne::holder(schedule_lock_file());
    if (!process) {
        context.remark("no scheduler runs");
        return ExitCode::success;
    }
    ::kill(*process, SIGTERM);
    const auto deadline =
        std::chrono::steady_clock::now() + arguments.grace.value_or(kGrace) + seconds(10);
    while (OnlyOne::holder(schedule_lock_file())) {
        if (context.stop.stop_requested()) {
            throw Cancelled();
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw explained<Error>(
                fmt::format("the scheduler (process {}) has not ended yet", *process),
                "Its runs may still be ending; look again, or give it longer with --grace.",
                "scheduler_running");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    context.remark("the scheduler was stopped");
    return ExitCode::success;
}

/// What is known of one job.
struct JobView {
    const JobSettings& settings;
    const ScheduleConfig& config;
    std::optional<sys_seconds> next;
    std::optional<sys_seconds> newest_good;
    std::vector<JobRun> runs;  ///< Newest first.
};

Json time_json(const std::optional<sys_seconds>& time) {
    return time ? Json(format_rfc3339(*time)) : Json(nullptr);
}

Json run_json(const JobRun& run) {
    return {{"status", run_status_name(run.status)},
            {"due", time_json(run.due)},
            {"count", run.count},
            {"attempt", run.attempt},
            {"began", time_json(run.began)},
            {"ended", time_json(run.ended)},
            {"exit_code", run.exit_code},
            {"snapshot", run.snapshot.empty() ? Json(nullptr) : Json(run.snapshot)},
            {"message", run.message},
            {"hint", run.hint}};
}

Json job_json(const JobView& view, sys_seconds now) {
    Json runs = Json::array();
    for (const JobRun& run : view.runs) {
        runs.push_back(run_json(run));
    }
    return {{"job", view.settings.name},
            {"source", view.config.source},
            {"schedule", view.settings.timetable.text()},
            {"next", time_json(view.next)},
            {"newest_good", time_json(view.newest_good)},
            {"age_s", view.newest_good ? Json((now - *view.newest_good).count()) : Json(nullptr)},
            {"runs", runs}};
}

std::string result_text(const JobView& view) {
    if (view.runs.empty()) {
        return "never ran";
    }
    const JobRun& run = view.runs.front();
    std::string text(run_status_name(run.status));
    std::replace(text.begin(), text.end(), '_', ' ');
    if (!run.message.empty()) {
        text += ": " + run.message.substr(0, run.message.find('\n'));
    }
    return text;
}

std::string jobs_text(const std::vector<JobView>& views, sys_seconds now,
                      const Terminal& terminal) {
    Table table({{"JOB", Align::left, true, 0},
                 {"SOURCE", Align::left, true, 3},
                 {"SCHEDULE", Align::left, true, 2},
                 {"NEXT", Align::left, false, 0},
                 {"AGE", Align::right, false, 1},
                 {"LAST", Align::left, true, 0}});
    for (const JobView& view : views) {
        table.add({view.settings.name, view.config.source, view.settings.timetable.text(),
                   view.next ? (*view.next <= now ? "now" : local_time_text(*view.next)) : "never",
                   view.newest_good ? format_duration(now - *view.newest_good) : "none",
                   result_text(view)});
    }
    return table.text(terminal);
}

ExitCode list(const ScheduleArguments& arguments, CommandContext& context) {
    require_jobs(context.config());
    const Config& config = context.config();
    if (!arguments.job.empty() && !config.schedules.contains(arguments.job)) {
        throw unknown_job(arguments.job, config);
    }
    const std::unique_ptr<OwnDatabase> database =
        open_state_file(schedule_state_file(), context.stop);
    ScheduleStore store(*database);
    const sys_seconds now = std::chrono::floor<seconds>(context.clock.now());
    const std::vector<JobSettings> jobs = job_settings(config, host_name());
    std::vector<JobView> views;
    constexpr std::size_t kRunsOfOne = 20;
    for (const JobSettings& job : jobs) {
        if (!arguments.job.empty() && job.name != arguments.job) {
            continue;
        }
        const JobMemory memory = store.memory(job.name).value_or(JobMemory{.looked_at = now});
        views.push_back({job, config.schedules.at(job.name),
                         memory.pending ? std::optional(memory.pending->begin)
                                        : job.timetable.next(memory.looked_at, memory.past),
                         memory.past.newest_good,
                         store.newest(job.name, arguments.job.empty() ? 1 : kRunsOfOne)});
    }
    if (context.output.is_json()) {
        Json document = Json::array();
        for (const JobView& view : views) {
            document.push_back(job_json(view, now));
        }
        context.output.document(document);
        return ExitCode::success;
    }
    context.output.text(jobs_text(views, now, context.terminal));
    if (!OnlyOne::holder(schedule_lock_file())) {
        context.remark("no scheduler runs; start one with `db-backup schedule start`");
    }
    return ExitCode::success;
}

ExitCode run(const ScheduleArguments& arguments, CommandContext& context) {
    require_jobs(context.config());
    ScheduleService service(context, arguments.grace.value_or(kGrace));
    const JobRun ended = service.run_once(arguments.job);
    if (context.output.is_json()) {
        context.output.document(run_json(ended));
    } else if (!context.globals.is_quiet) {
        context.output.text(fmt::format("{} {}{}{}\n", ended.job, run_status_name(ended.status),
                                        ended.snapshot.empty() ? "" : ", snapshot ",
                                        ended.snapshot.substr(0, 8)));
    }
    if (!is_good(ended.status)) {
        context.errors.line("db-backup: " + printable(ended.message));
    }
    return static_cast<ExitCode>(ended.exit_code);
}

}  // namespace

ConfigError unknown_job(const std::string& job, const Config& config) {
    std::vector<std::string> names;
    std::transform(config.schedules.begin(), config.schedules.end(), std::back_inserter(names),
                   [](const auto& entry) { return entry.first; });
    const std::string meant = nearest(job, names);
    return explained<ConfigError>(
        fmt::format("there is no job '{}' in schedules", printable(job)),
        meant.empty() ? "See them with: db-backup schedule list."
                      : fmt::format("Did you mean {}?", meant),
        "job_unknown");
}

ExitCode run_command(const ScheduleArguments& arguments, CommandContext& context) {
    switch (arguments.action) {
        case ScheduleArguments::Action::start: return start(arguments, context);
        case ScheduleArguments::Action::stop: return stop(arguments, context);
        case ScheduleArguments::Action::list: return list(arguments, context);
        case ScheduleArguments::Action::run: return run(arguments, context);
    }
    return ExitCode::failure;
}

}  // namespace dbbackup
