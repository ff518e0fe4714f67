#include "cli/schedule_notices.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/shell_word.hpp"
#include "base/units.hpp"
#include "cli/snapshot_text.hpp"
#include "crypto/hash.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

using std::chrono::sys_seconds;

/// In the time zone of whoever reads it here.
std::string time_text(sys_seconds time) { return local_time_text(time); }

}  // namespace

std::string typed_command(const Config& config, std::string_view words) {
    return fmt::format("db-backup{} {}",
                       config.path ? " --config " + shell_word(absolute_path(*config.path).string())
                                   : std::string(),
                       words);
}

Event event_of(const JobRun& run, unsigned failures) {
    if (run.exit_code == static_cast<int>(ExitCode::corruption)) {
        return Event::damaged;
    }
    if (!is_good(run.status)) {
        return Event::failure;
    }
    if (run.status == RunStatus::incomplete) {
        return Event::warning;
    }
    return failures > 0 ? Event::recovered : Event::success;
}

std::string title_of(Event event, const JobRun& run, const std::string& source) {
    switch (event) {
        case Event::damaged: return fmt::format("A repository of {} is damaged", source);
        case Event::warning: return fmt::format("Backup of {} is incomplete", source);
        case Event::recovered: return fmt::format("Backup of {} works again", source);
        case Event::success: return fmt::format("Backup of {} succeeded", source);
        default: break;
    }
    return run.status == RunStatus::timed_out ? fmt::format("Backup of {} took too long", source)
                                              : fmt::format("Backup of {} failed", source);
}

Notice new_notice(Event event, std::string job, std::string source, std::string host,
                  sys_seconds time, std::string title) {
    constexpr std::size_t kIdBytes = 16;
    Notice notice;
    notice.id = to_hex(random_bytes(kIdBytes));
    notice.event = event;
    notice.job = std::move(job);
    notice.source = std::move(source);
    notice.host = std::move(host);
    notice.time = time;
    notice.title = std::move(title);
    return notice;
}

Notice ScheduleNotices::notice(const std::string& job, Event event, std::string title) const {
    const auto found = config_->schedules.find(job);
    return new_notice(event, job, found == config_->schedules.end() ? "" : found->second.source,
                      host_, now_(), std::move(title));
}

void ScheduleNotices::ended(const JobSettings& job, const JobRun& run,
                            std::optional<sys_seconds> again, unsigned failures) {
    const auto schedule = config_->schedules.find(job.name);
    const std::string source =
        schedule == config_->schedules.end() ? job.name : schedule->second.source;
    const Event event = event_of(run, failures);
    LogFields fields = {{"job", job.name},
                        {"run", std::to_string(run.id)},
                        {"status", std::string(run_status_name(run.status))}};
    if (!run.snapshot.empty()) {
        fields.emplace_back("snapshot", run.snapshot);
    }
    if (!run.message.empty()) {
        fields.emplace_back("message", run.message);
    }
    if (is_good(run.status)) {
        log_.info("a run ended", fields);
    } else {
        log_.error("a run ended", fields);
    }
    if (!is_good(run.status) && again) {
        return;  // It may yet go well, and is told when it does not.
    }
    Notice told = notice(job.name, event, title_of(event, run, source));
    told.problem = run.message;
    told.hint = run.hint;
    told.run = std::to_string(run.id);
    told.command = typed_command(*config_, "schedule run " + shell_word(job.name));
    told.facts.emplace_back("Due", time_text(run.due));
    if (run.began && run.ended) {
        told.facts.emplace_back("Took", format_duration(*run.ended - *run.began));
    }
    if (!run.snapshot.empty()) {
        told.facts.emplace_back("Snapshot", run.snapshot.substr(0, 8));
    }
    if (run.attempt > 1) {
        told.facts.emplace_back("Tries", std::to_string(run.attempt));
    }
    if (failures > 0) {
        told.facts.emplace_back("Failures before", std::to_string(failures));
    }
    if (is_good(run.status) && event != Event::damaged) {
        told.command.clear();
    }
    tell(told);
}

void ScheduleNotices::missed(const JobSettings& job, const JobRun& run) {
    const bool is_skipped = run.status == RunStatus::skipped;
    Notice told = notice(
        job.name, Event::missed,
        is_skipped ? fmt::format("A run of {} was skipped", job.name)
                   : fmt::format("{} of {} missed",
                                 counted(static_cast<std::size_t>(run.count), "run"), job.name));
    told.problem = run.message;
    told.facts.emplace_back("Due", run.count == 1 ? time_text(run.due)
                                                  : fmt::format("{} to {}", time_text(run.due),
                                                                time_text(run.last_due)));
    log_.warning("a run did not take place", {{"job", job.name},
                                              {"status", std::string(run_status_name(run.status))},
                                              {"count", std::to_string(run.count)},
                                              {"message", run.message}});
    tell(told);
}

void ScheduleNotices::too_old(const JobSettings& job, std::optional<sys_seconds> newest_good) {
    Notice told = notice(job.name, Event::too_old,
                         fmt::format("The newest good backup of {} is too old", job.name));
    if (newest_good) {
        told.facts.emplace_back("Newest good", time_text(*newest_good));
        told.facts.emplace_back("Age", format_duration(now_() - *newest_good));
    }
    told.facts.emplace_back("Goal", job.timetable.text());
    told.hint = "See what became of its runs: " +
                typed_command(*config_, "schedule list " + shell_word(job.name));
    told.command = typed_command(*config_, "schedule run " + shell_word(job.name));
    log_.error("the newest good backup is too old", {{"job", job.name}});
    tell(told);
}

void ScheduleNotices::clock_was_set_back(std::chrono::seconds by) {
    log_.warning("the clock was set back; what is due counts from now",
                 {{"by", format_duration(by)}});
}

void ScheduleNotices::begins(const JobRun& run) {
    log_.info("a run begins", {{"job", run.job}, {"run", std::to_string(run.id)}});
    Notice told = notice(run.job, Event::success, fmt::format("{} begins", run.job));
    told.run = std::to_string(run.id);
    told.is_start = true;
    tell(told);
}

void put_for(const std::vector<std::string>& receivers, const Notice& notice, const Config& config,
             Outbox& outbox) {
    for (const std::string& receiver : receivers) {
        const auto found = config.notifications.find(receiver);
        if (found == config.notifications.end()) {
            continue;
        }
        const NotificationConfig& told = found->second;
        // A sign of life that is left out is an alarm.
        const bool is_ping = told.type == NotifierType::ping;
        if (is_ping || (!notice.is_start && told.on.contains(notice.event))) {
            outbox.put(receiver, notice, is_ping ? std::chrono::seconds(0) : told.quiet);
        }
    }
}

void ScheduleNotices::tell(const Notice& notice) {
    const auto schedule = config_->schedules.find(notice.job);
    if (schedule != config_->schedules.end()) {
        put_for(schedule->second.notify, notice, *config_, outbox_);
    }
}

}  // namespace dbbackup
