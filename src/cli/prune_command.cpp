/// @file
/// `db-backup prune`: removes snapshots, and the space that nothing needs.

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/noted_facts.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "crypto/hash.hpp"
#include "engine/prune.hpp"
#include "engine/retention.hpp"
#include "engine/snapshot_choice.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
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
        const std::vector<ObjectName> lost = repository.lost_manifests();
        for (const std::string& text : arguments.snapshots) {
            if (std::ranges::find(lost, text, &ObjectName::leaf) != lost.end()) {
                chosen.push_back(text);  // It is given up.
                continue;
            }
            chosen.push_back(choose_snapshot(snapshots, damaged, text, arguments.source).id);
        }
    }
    return chosen;
}

/// @throws ConfigError (codes "usage", "retention_unknown").
RetentionRules rules_of(const PruneArguments& arguments, const Config& config) {
    if (!arguments.retention) {
        return arguments.rules;
    }
    if (!arguments.rules.is_empty()) {
        // Added up they would keep more than either says.
        throw explained<ConfigError>(
            "--retention and --keep-... exclude each other",
            "Give either the name of rules in the configuration, or the rules themselves.",
            "usage");
    }
    const auto found = config.retention.find(*arguments.retention);
    if (found == config.retention.end()) {
        std::vector<std::string> names;
        for (const auto& [name, rules] : config.retention) {
            names.push_back(name);
        }
        throw explained<ConfigError>(
            fmt::format("the configuration has no retention '{}'", *arguments.retention),
            names.empty() ? "Add it under `retention:`, or give rules such as --keep-last 7."
                          : fmt::format("It has: {}.", fmt::join(names, ", ")),
            "retention_unknown");
    }
    return found->second;
}

/// The rules, for each source by itself. `now` is that of the call: it is asked several times.
Retention retention_of(const PruneArguments& arguments, CommandContext& context) {
    const RetentionRules rules = rules_of(arguments, context.config());
    if (rules.is_empty()) {
        return {};
    }
    return [rules, source = arguments.source, now = context.clock.now()](
               const std::vector<SnapshotSummary>& of_source, const PinReasons& pins) {
        const RetentionContext known{now, utc_offset_here, pins};
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

CompactionLimits compaction_limits(const PruneArguments& arguments, CompactionLimits limits) {
    constexpr double kWhole = 100;
    if (arguments.unused_percent_max) {
        limits.unused_part_max = static_cast<double>(*arguments.unused_percent_max) / kWhole;
    }
    limits.bytes_max = arguments.repack_bytes_max;
    limits.rebases = arguments.rebases;
    return limits;
}

/// How long a silent run is watched. DB_BACKUP_TEST_WATCH_MS makes it shorter for tests that stop
/// processes, since nobody can sleep for minutes there. It decides whom to give up, never what is
/// safe.
std::chrono::milliseconds watch_time(std::chrono::milliseconds usual) {
    const char* const text = std::getenv("DB_BACKUP_TEST_WATCH_MS");
    return text == nullptr ? usual : std::chrono::milliseconds(std::strtoul(text, nullptr, 10));
}

/// Of one place: copies of a repository have its id, and locks of their own. Nothing for a user
/// without a home.
std::optional<std::filesystem::path> lock_folder(const std::string& url) {
    constexpr std::size_t kNameBytes = 8;
    try {
        return state_home() / "lock-passes" /
               to_hex(BytesView(sha256(as_bytes(url))).first(kNameBytes));
    } catch (const ConfigError&) {
        return std::nullopt;
    }
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
            {"bytes_compacted", report.bytes_compacted},
            {"bytes_unused", report.bytes_unused},
            {"bytes_only_bases", report.bytes_only_bases},
            {"waiting_for", std::move(waiting)},
            {"given_up", report.given_up},
            {"leftovers_removed", report.leftovers_removed},
            {"locked_objects", report.locked.objects()},
            {"locked_bytes", report.locked.bytes()},
            {"locked_until",
             report.locked.until() ? Json(format_rfc3339(*report.locked.until())) : Json(nullptr)},
            {"locks_extended", report.locks_extended},
            {"problems", report.problems},
            {"duration_s", report.duration_s}};
}

std::string locks_text(const PruneReport& report, bool is_dry_run) {
    std::string text;
    if (report.locked.objects() > 0) {
        text += fmt::format(
            "{}, {}, to be removed by a later prune: locked{}\n",
            counted(report.locked.objects(), "object"), format_size(report.locked.bytes()),
            report.locked.until() ? " until " + local_time_text(*report.locked.until()) : "");
    }
    if (report.locks_extended > 0) {
        text += fmt::format("{} the locks of {} that something needs\n",
                            is_dry_run ? "would extend" : "extended",
                            counted(report.locks_extended, "object"));
    }
    return text;
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
    if (report.bytes_compacted > 0) {
        text +=
            fmt::format("{} {} anew without what nothing needs\n",
                        is_dry_run ? "would store" : "stored", format_size(report.bytes_compacted));
    }
    if (report.bytes_only_bases > 0) {
        text += fmt::format(
            "{} more will be freed by --rebase, or when the snapshots have gone "
            "whose deltas need it\n",
            format_size(report.bytes_only_bases));
    }
    text += locks_text(report, is_dry_run);
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
    const RepositoryChoice choice =
        choose_repository(context, repository_of_source(arguments.source, context.config()));
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    if (arguments.source) {
        check_source(*arguments.source, read_snapshots(*repository, context).snapshots);
    }
    PruneOptions options;
    options.retention = retention_of(arguments, context);
    options.snapshots = chosen_snapshots(*repository, arguments, context);
    options.is_dry_run = arguments.is_dry_run;
    options.compaction = compaction_limits(arguments, options.compaction);
    options.wait = arguments.wait.value_or(std::chrono::seconds(0));
    options.give_up_after = arguments.give_up_after.value_or(options.give_up_after);
    options.watch = watch_time(options.watch);
    options.lock_folder = lock_folder(choice.url);
    PruneReport report;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("pruning"), context.errors, context.log);
        report = prune(*repository, options, context.engine(progress), context.stop);
    }
    for (const std::string& problem : report.problems) {
        context.log.warning("no data was removed because of damage", {{"problem", problem}});
    }
    if (!arguments.is_dry_run) {
        note_repository_size(choice, report.bytes_left, context);
    }
    if (report.is_compaction_cut_short) {
        context.log.warning("what is still needed could not all be stored anew, so less was freed",
                            {{"repository", repository->storage().url()}});
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
