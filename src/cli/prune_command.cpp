/// @file
/// `db-backup prune`: removes snapshots, and the space that nothing needs.

#include "base/clock.hpp"
#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "engine/prune.hpp"
#include "engine/retention.hpp"
#include "engine/snapshot_choice.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

std::vector<SnapshotId> chosen_snapshots(Repository& repository, const PruneArguments& arguments,
                                         CommandContext& context) {
    std::vector<SnapshotId> chosen;
    if (!arguments.snapshots.empty()) {
        std::vector<std::string> damaged;
        const std::vector<SnapshotSummary> snapshots = repository.snapshots(context.stop, &damaged);
        for (const std::string& text : arguments.snapshots) {
            chosen.push_back(choose_snapshot(snapshots, damaged, text, arguments.source).id);
        }
    }
    return chosen;
}

/// The rules, for each source by itself. `now` is that of the call: it is asked several times.
Retention retention_of(const PruneArguments& arguments, CommandContext& context) {
    if (arguments.rules.is_empty()) {
        return {};
    }
    const RetentionContext known{context.clock.now(), utc_offset_here};
    return [rules = arguments.rules, source = arguments.source,
            known](const std::vector<SnapshotSummary>& of_source) {
        std::map<SnapshotId, RetentionDecision> decisions;
        for (RetentionDecision& decision : apply_retention(rules, of_source, known)) {
            decisions.emplace(decision.snapshot, std::move(decision));
        }
        std::vector<SnapshotVerdict> verdicts;
        for (const SnapshotSummary& snapshot : of_source) {
            const RetentionDecision& decision = decisions.at(snapshot.id);
            const bool is_asked = !source || snapshot.source_name == *source;
            verdicts.push_back({snapshot, decision.stays() || !is_asked,
                                is_asked ? decision.text() : "stays: of another source"});
        }
        return verdicts;
    };
}

Json report_json(const PruneReport& report, bool is_dry_run) {
    Json snapshots = Json::array();
    for (const SnapshotVerdict& verdict : report.snapshots) {
        snapshots.push_back({{"snapshot", verdict.snapshot.id},
                             {"source", verdict.snapshot.source_name},
                             {"kept", verdict.is_kept},
                             {"reason", verdict.reason}});
    }
    Json waiting = Json::array();
    for (const KnownRun& run : report.waiting_for) {
        waiting.push_back({{"run", run.id},
                           {"kind", run.kind},
                           {"host", run.host},
                           {"process", run.process.process}});
    }
    return {{"dry_run", is_dry_run},
            {"finished", report.waiting_for.empty()},
            {"snapshots", std::move(snapshots)},
            {"packs_removed", report.packs_removed},
            {"bytes_freed", report.bytes_freed},
            {"bytes_waiting", report.bytes_waiting},
            {"waiting_for", std::move(waiting)},
            {"given_up", report.given_up},
            {"leftovers_removed", report.leftovers_removed},
            {"problems", report.problems},
            {"duration_s", report.duration_s}};
}

std::string report_text(const PruneReport& report, bool is_dry_run) {
    std::string text;
    std::size_t removed = 0;
    for (const SnapshotVerdict& verdict : report.snapshots) {
        removed += verdict.is_kept ? 0 : 1;
        if (!verdict.is_kept || is_dry_run) {
            text += fmt::format("{}  {}  {}  {}\n", verdict.snapshot.id.substr(0, 8),
                                local_time_text(verdict.snapshot.begun_at),
                                printable(verdict.snapshot.source_name), verdict.reason);
        }
    }
    const bool waits = !report.waiting_for.empty();
    text += fmt::format("{}{} and {}: {} {}\n", is_dry_run || waits ? "would remove " : "removed ",
                        counted(removed, "snapshot"), counted(report.packs_removed, "pack"),
                        format_size(report.bytes_freed), is_dry_run ? "in all" : "freed");
    for (const KnownRun& run : report.waiting_for) {
        text += fmt::format("waiting for {} {} on {}, process {}\n", printable(run.kind),
                            run.id.substr(0, 8), printable(run.host), run.process.process);
    }
    if (waits) {
        text += fmt::format("{} more will be freed when it has ended and prune runs again\n",
                            format_size(report.bytes_waiting));
    }
    return text;
}

}  // namespace

ExitCode run_command(const PruneArguments& arguments, CommandContext& context) {
    const std::unique_ptr<Repository> repository = open_repository(
        choose_repository(context, repository_of_source(arguments.source, context.config())),
        context);
    if (arguments.source) {
        check_source(*arguments.source, read_snapshots(*repository, context).snapshots);
    }
    PruneOptions options;
    options.retention = retention_of(arguments, context);
    options.snapshots = chosen_snapshots(*repository, arguments, context);
    options.is_dry_run = arguments.is_dry_run;
    options.wait = arguments.wait.value_or(std::chrono::seconds(0));
    options.give_up_after = arguments.give_up_after.value_or(options.give_up_after);
    PruneReport report;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("pruning"), context.errors, context.log);
        report = prune(*repository, options, context.engine(progress), context.stop);
    }
    for (const std::string& problem : report.problems) {
        context.log.warning("no data was removed because of damage", {{"problem", problem}});
    }
    context.log.info("pruned the repository",
                     {{"packs", std::to_string(report.packs_removed)},
                      {"bytes", std::to_string(report.bytes_freed)},
                      {"duration_s", fmt::format("{:.3f}", report.duration_s)}});
    if (context.output.is_json()) {
        context.output.document(report_json(report, arguments.is_dry_run));
    } else if (!context.globals.is_quiet) {
        context.output.text(report_text(report, arguments.is_dry_run));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
