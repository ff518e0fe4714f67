#include "cli/backup_notices.hpp"

#include "base/shell_word.hpp"
#include "cli/error_report.hpp"
#include "cli/schedule_delivery.hpp"
#include "cli/schedule_notices.hpp"
#include "cli/schedule_service.hpp"
#include "repository/run.hpp"
#include "schedule/schedule_store.hpp"
#include "schedule/state_file.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::chrono::seconds kTellingMax(20);

/// Remembers how it ended. @return how many had failed in a row before.
unsigned count_failures(ScheduleStore& store, const std::string& source, const JobRun& run,
                        std::chrono::sys_seconds now) {
    // No job has such a name: a slash is none of its letters.
    const std::string name = "backup/" + source;
    JobMemory memory =
        store.memory(name).value_or(JobMemory{.looked_at = now, .pending = {}, .past = {}});
    const unsigned before = memory.past.failures;
    memory.past.failures = is_good(run.status) ? 0 : before + 1;
    memory.past.last_end = now;
    if (is_good(run.status)) {
        memory.past.newest_good = now;
    }
    store.remember(name, memory);
    return before;
}

void put(const std::string& source, const SourceConfig& config, const JobRun& run,
         ScheduleStore& store, Outbox& outbox, const CommandContext& context) {
    const auto now = std::chrono::floor<std::chrono::seconds>(context.clock.now());
    const unsigned failures = count_failures(store, source, run, now);
    const Event event = event_of(run, failures);
    Notice notice = new_notice(event, "", source, host_name(), now, title_of(event, run, source));
    notice.problem = run.message;
    notice.hint = run.hint;
    if (!run.snapshot.empty()) {
        notice.facts.emplace_back("Snapshot", run.snapshot.substr(0, 8));
    }
    if (failures > 0) {
        notice.facts.emplace_back("Failures before", std::to_string(failures));
    }
    if (!is_good(run.status)) {
        notice.command = typed_command(context.config(), "backup --source " + shell_word(source));
    }
    put_for(config.notify, notice, context.config(), outbox);
}

}  // namespace

void tell_of_backup(const std::string& source, const SourceConfig& config, JobRun run,
                    const CommandContext& context) noexcept {
    try {
        const std::unique_ptr<OwnDatabase> database = open_state_file(schedule_state_file(), {});
        ScheduleStore store(*database);
        Outbox outbox(*database);
        {
            OwnTransaction transaction(*database);
            put(source, config, run, store, outbox, context);
            transaction.commit();
        }
        tell_outbox(outbox, context.loaded, context, kTellingMax, context.stop);
    } catch (const std::exception& error) {
        try {
            context.log.warning(fmt::format("not told yet: {}", error.what()));
        } catch (const std::exception&) {
            return;  // The backup's own end is what counts.
        }
    }
}

JobRun failed_run() {
    const ErrorReport report = describe_current_exception();
    JobRun run;
    run.status = RunStatus::failed;
    run.exit_code = static_cast<int>(report.exit_code);
    run.message = report.message;
    run.hint = report.hint;
    return run;
}

}  // namespace dbbackup
