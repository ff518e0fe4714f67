#include "cli/noted_facts.hpp"

#include "cli/metrics_page.hpp"
#include "cli/schedule_service.hpp"
#include "config/read_value.hpp"
#include "schedule/state_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

/// What a label says: a query may hold more than a place.
std::string label_of(const RepositoryChoice& choice) {
    std::string place = masked_uri(choice.url);
    if (place.find("://") != std::string::npos) {
        place.resize(std::min(place.find('?'), place.size()));
    }
    return choice.name.value_or(place);
}

sys_seconds now_of(const CommandContext& context) {
    return std::chrono::floor<seconds>(context.clock.now());
}

/// Opens the state file, keeps what `keep` tells it, and writes the file for the node exporter.
template <class Keep>
void keep_facts(const CommandContext& context, Keep keep) noexcept {
    try {
        // Also of what was interrupted.
        const std::unique_ptr<OwnDatabase> database = open_state_file(schedule_state_file(), {});
        MetricsPage page(*database);
        keep(page.facts());
        write_metrics_file(page, context.config(), context.log);
    } catch (const std::exception& error) {
        try {
            context.log.warning(fmt::format("metrics cannot be kept: {}", error.what()));
        } catch (const std::exception&) {
            return;  // What they are about is what counts.
        }
    }
}

SnapshotFacts facts_of(const BackupReport& report) {
    const SnapshotSummary& summary = report.snapshot.summary;
    return {.begun = std::chrono::floor<seconds>(summary.begun_at),
            .duration =
                std::chrono::round<milliseconds>(std::chrono::duration<double>(report.duration_s)),
            .bytes_source = summary.bytes_source,
            .bytes_read = summary.bytes_read,
            .bytes_added = summary.bytes_added};
}

}  // namespace

template <class Tell>
void NotedBackup::keep(Tell tell) const noexcept {
    if (!is_wanted_) {
        return;
    }
    keep_facts(context_, [&](BackupFacts& facts) {
        const std::vector<RepositoryChoice> choices =
            backup_targets(context_, config_ != nullptr ? config_->repository : std::string());
        for (std::size_t index = 0; index < choices.size(); ++index) {
            BackupEnd end;
            end.place = {.source = source_.value_or(""),
                         .repository = label_of(choices[index]),
                         .is_source_configured = config_ != nullptr,
                         .is_repository_configured = choices[index].name.has_value()};
            end.ended = now_of(context_);
            tell(index, end);
            if (!end.place.source.empty()) {
                facts.add(end);
            }
        }
    });
}

void NotedBackup::ended(const Taken& taken, ExitCode code) const noexcept {
    keep([&](std::size_t index, BackupEnd& end) {
        const BackupReport& report = taken.report;
        end.place.source = report.snapshot.summary.source_name;
        end.snapshot = facts_of(report);
        end.result = code == ExitCode::success ? BackupResult::succeeded : BackupResult::incomplete;
        if (index >= taken.targets.size()) {
            return;
        }
        // That one of several does not have it does not make the others incomplete.
        const TargetOutcome& target = taken.targets[index];
        const bool is_whole = !report.snapshot.summary.is_incomplete;
        end.result = is_whole ? BackupResult::succeeded : BackupResult::incomplete;
        end.snapshot->bytes_added = target.bytes_added;
        if (target.is_copied) {
            end.snapshot->bytes_read = 0;  // The database was read once.
        }
        if (target.failure) {
            end.result = BackupResult::failed;
            end.snapshot.reset();
        }
    });
}

void NotedBackup::failed() const noexcept {
    keep([&](std::size_t, BackupEnd& end) {
        end.result =
            context_.stop.stop_requested() ? BackupResult::interrupted : BackupResult::failed;
    });
}

void note_repository_size(const RepositoryChoice& choice, std::uint64_t pack_bytes,
                          const CommandContext& context) noexcept {
    if (are_metrics_wanted(context.config())) {
        keep_facts(context, [&](BackupFacts& facts) {
            facts.note_size(label_of(choice), choice.name.has_value(), pack_bytes, now_of(context));
        });
    }
}

void note_verified(const RepositoryChoice& choice, std::uint64_t problems,
                   const CommandContext& context) noexcept {
    if (are_metrics_wanted(context.config())) {
        keep_facts(context, [&](BackupFacts& facts) {
            facts.note_verified(label_of(choice), choice.name.has_value(), problems,
                                now_of(context));
        });
    }
}

}  // namespace dbbackup
