/// @file
/// `db-backup schedule`: runs jobs when they are due, and shows what became of them.

#include "base/error.hpp"
#include "base/units.hpp"
#include "base/wait.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/schedule_daemon.hpp"
#include "cli/schedule_edit.hpp"
#include "cli/schedule_export.hpp"
#include "cli/schedule_list.hpp"
#include "cli/schedule_service.hpp"
#include "schedule/state_file.hpp"
#include "sys/only_one.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::seconds;

constexpr seconds kGrace = std::chrono::minutes(1);
/// What a scheduler does beside ending its runs when it is stopped, at most.
constexpr seconds kAfterGrace(30);

ExitCode start(const ScheduleArguments& arguments, CommandContext& context) {
    require_jobs(context.config());
    if (arguments.is_daemon) {
        return start_daemon(arguments, context);
    }
    make_state_folder(state_home());
    const std::optional<OnlyOne> lock = OnlyOne::take(schedule_lock_file());
    if (!lock) {
        throw explained<ConfigError>("a scheduler runs already",
                                     "See its jobs with `db-backup schedule list`, or end it with "
                                     "`db-backup schedule stop`.",
                                     "scheduler_running");
    }
    ScheduleService service(context, arguments.grace.value_or(kGrace));
    context.signals.on_hangup([&service] { service.ask_to_reload(); });
    try {
        service.run(arguments.is_detached);
    } catch (...) {
        context.signals.on_hangup([] {});
        throw;
    }
    context.signals.on_hangup([] {});
    return ExitCode::success;
}

/// @throws Error when it does not end in time; Cancelled.
void wait_for_end(int process, seconds patience, const std::stop_token& stop) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (OnlyOne::holder(schedule_lock_file()) == process) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw explained<Error>(
                fmt::format("the scheduler (process {}) has not ended yet", process),
                "Its runs may still be ending: look again, or wait longer with --grace.",
                "scheduler_running");
        }
        // The kernel tells nobody that a lock is given back but who waits for it, whom a stop
        // would not wake.
        constexpr std::chrono::milliseconds kLook(20);
        wait_unless_stopped(kLook, stop);
    }
}

ExitCode stop(const ScheduleArguments& arguments, CommandContext& context) {
    const std::optional<int> process = OnlyOne::holder(schedule_lock_file());
    if (process == 0) {
        throw explained<ConfigError>("the scheduler runs where its process cannot be seen",
                                     "Stop it in the container in which it was started.",
                                     "scheduler_elsewhere");
    }
    if (process) {
        if (::kill(*process, SIGTERM) != 0 && errno == EPERM) {
            throw explained<ConfigError>(
                fmt::format("the scheduler (process {}) belongs to another user", *process),
                "Stop it as that user.", "scheduler_elsewhere");
        }
        wait_for_end(*process, arguments.grace.value_or(kGrace) + kAfterGrace, context.stop);
    }
    if (context.output.is_json()) {
        context.output.document(
            {{"process", process ? nlohmann::ordered_json(*process) : nullptr}});
    } else {
        context.remark(process ? "the scheduler was stopped" : "no scheduler runs");
    }
    return ExitCode::success;
}

/// One try, or as many as the scheduler would make.
JobRun run_tries(const ScheduleArguments& arguments, CommandContext& context) {
    const auto found = context.config().schedules.find(arguments.job);
    const bool may_repeat = arguments.is_tried_again && found != context.config().schedules.end();
    const unsigned retries = may_repeat ? found->second.retries : 0;
    for (unsigned attempt = 1;; ++attempt) {
        const seconds pause = pause_after(kRetryPause, attempt);
        JobRun ended;
        {
            ScheduleService service(context, arguments.grace.value_or(kGrace));
            ended = service.run_once(
                arguments.job, {attempt, attempt > retries ? std::nullopt : std::optional(pause)});
        }
        if (is_good(ended.status) || attempt > retries || context.stop.stop_requested()) {
            return ended;
        }
        context.errors.line(fmt::format("db-backup: warning: {}\n  Try {} of {} follows in {}.",
                                        printable(ended.message), attempt + 1, retries + 1,
                                        format_duration(pause)));
        wait_unless_stopped(pause, context.stop);
        if (context.stop.stop_requested()) {
            throw Cancelled();
        }
    }
}

ExitCode run(const ScheduleArguments& arguments, CommandContext& context) {
    require_jobs(context.config());
    make_state_folder(state_home());
    const JobRun ended = run_tries(arguments, context);
    if (context.stop.stop_requested() && !is_good(ended.status)) {
        throw Cancelled();
    }
    context.is_done = true;
    if (context.output.is_json()) {
        context.output.document(run_json(ended));
    } else if (!context.globals.is_quiet) {
        context.output.text(fmt::format("{} {}{}{}\n", ended.job, run_status_name(ended.status),
                                        ended.snapshot.empty() ? "" : ": snapshot ",
                                        ended.snapshot.substr(0, 8)));
    }
    if (!ended.message.empty()) {
        context.errors.line(fmt::format(
            "db-backup: {}{}{}", is_good(ended.status) ? "warning: " : "error: ",
            printable(ended.message), ended.hint.empty() ? "" : "\n  " + printable(ended.hint)));
    }
    return static_cast<ExitCode>(ended.exit_code);
}

}  // namespace

ExitCode run_command(const ScheduleArguments& arguments, CommandContext& context) {
    switch (arguments.action) {
        case ScheduleArguments::Action::start: return start(arguments, context);
        case ScheduleArguments::Action::stop: return stop(arguments, context);
        case ScheduleArguments::Action::list: return list_jobs(arguments, context);
        case ScheduleArguments::Action::add: return add_job(arguments, context);
        case ScheduleArguments::Action::remove: return remove_job(arguments, context);
        case ScheduleArguments::Action::run: return run(arguments, context);
        case ScheduleArguments::Action::export_jobs: return export_jobs(arguments, context);
    }
    return ExitCode::failure;
}

}  // namespace dbbackup
