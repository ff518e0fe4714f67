#include "cli/schedule_list.hpp"

#include "base/units.hpp"
#include "cli/display_text.hpp"
#include "cli/schedule_jobs.hpp"
#include "cli/schedule_service.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/table.hpp"
#include "repository/run.hpp"
#include "schedule/schedule_store.hpp"
#include "schedule/state_file.hpp"
#include "sys/only_one.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::size_t kRunsOfOne = 20;

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

Json text_json(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

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

std::string status_text(const JobRun& run) {
    std::string text(run_status_name(run.status));
    std::replace(text.begin(), text.end(), '_', ' ');
    if (run.count > 1) {
        text += " " + std::to_string(run.count);
    }
    if (run.attempt > 1) {
        text += ", try " + std::to_string(run.attempt);
    }
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
        const std::string next = !view.next          ? "never"
                                 : *view.next <= now ? "now"
                                                     : local_time_text(*view.next);
        table.add({view.settings.name, view.config.source, view.settings.timetable.text(), next,
                   view.newest_good ? format_duration(now - *view.newest_good) : "none",
                   view.runs.empty() ? "never ran" : printable(status_text(view.runs.front()))});
    }
    return table.text(terminal);
}

std::string runs_text(const std::vector<JobRun>& runs, const Terminal& terminal) {
    Table table({{"DUE", Align::left, false, 0},
                 {"TOOK", Align::right, false, 2},
                 {"SNAPSHOT", Align::left, false, 1},
                 {"RESULT", Align::left, true, 0}});
    for (const JobRun& run : std::ranges::reverse_view(runs)) {
        const bool has_time = run.began && run.ended;
        table.add({local_time_text(run.due),
                   has_time ? format_duration(*run.ended - *run.began) : "",
                   run.snapshot.substr(0, 8), printable(status_text(run))});
    }
    return runs.empty() ? "" : "\n" + table.text(terminal);
}

std::vector<JobView> views_of(const std::vector<JobSettings>& jobs, const std::string& only,
                              ScheduleStore& store, const Config& config, sys_seconds now) {
    std::vector<JobView> views;
    for (const JobSettings& job : jobs) {
        if (!only.empty() && job.name != only) {
            continue;
        }
        const JobMemory memory =
            store.memory(job.name).value_or(JobMemory{.looked_at = now, .pending = {}, .past = {}});
        views.push_back({job, config.schedules.at(job.name), next_run(job, memory),
                         memory.past.newest_good,
                         store.newest(job.name, only.empty() ? 1 : kRunsOfOne)});
    }
    return views;
}

}  // namespace

Json run_json(const JobRun& run) {
    return {{"job", run.job},
            {"status", run_status_name(run.status)},
            {"due", time_json(run.due)},
            {"last_due", time_json(run.last_due)},
            {"count", run.count},
            {"attempt", run.attempt},
            {"began", time_json(run.began)},
            {"ended", time_json(run.ended)},
            {"exit_code", run.exit_code},
            {"snapshot", text_json(run.snapshot)},
            {"message", text_json(run.message)},
            {"hint", text_json(run.hint)}};
}

void require_jobs(const Config& config) {
    if (config.schedules.empty()) {
        throw explained<ConfigError>(
            "the configuration has no schedules",
            "Add one: db-backup schedule add nightly --source NAME --cron '30 2 * * *'.",
            "no_schedules");
    }
}

ExitCode list_jobs(const ScheduleArguments& arguments, CommandContext& context) {
    const Config& config = context.config();
    require_jobs(config);
    if (!arguments.job.empty() && !config.schedules.contains(arguments.job)) {
        throw unknown_job(arguments.job, config);
    }
    const std::unique_ptr<OwnDatabase> database =
        open_state_file(schedule_state_file(), context.stop);
    ScheduleStore store(*database);
    const sys_seconds now = std::chrono::floor<seconds>(context.clock.now());
    const std::vector<JobSettings> jobs = job_settings(config, host_name());
    const std::vector<JobView> views = views_of(jobs, arguments.job, store, config, now);
    if (context.output.is_json()) {
        Json document = Json::array();
        for (const JobView& view : views) {
            document.push_back(job_json(view, now));
        }
        context.output.document(document);
        return ExitCode::success;
    }
    std::string text = jobs_text(views, now, context.terminal);
    if (!arguments.job.empty()) {
        text += runs_text(views.front().runs, context.terminal);
    }
    context.output.text(text);
    if (!OnlyOne::holder(schedule_lock_file())) {
        context.remark("no scheduler runs; start one with `db-backup schedule start`");
    }
    return ExitCode::success;
}

}  // namespace dbbackup
