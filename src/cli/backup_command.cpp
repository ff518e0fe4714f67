/// @file
/// `db-backup backup`: takes a snapshot and says what it took.

#include "base/units.hpp"
#include "cli/archive_backup.hpp"
#include "cli/backup_notices.hpp"
#include "cli/backup_report.hpp"
#include "cli/backup_targets.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/hooks.hpp"
#include "cli/metrics_page.hpp"
#include "cli/noted_facts.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/source_access.hpp"
#include "cli/table.hpp"
#include "engine/backup.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

/// Which database, for the line of progress.
std::string text_of(const SourceChoice& source) {
    if (!source.folder.empty()) {
        return source.folder;
    }
    if (source.is_all_databases) {
        return "all databases";
    }
    return source.databases.empty() ? source.database
                                    : counted(source.databases.size(), "database");
}

BackupOptions backup_options(const BackupArguments& arguments, const SourceChoice& choice) {
    BackupOptions options;
    options.type = choice.type;
    options.source_name = arguments.source_name ? arguments.source_name : choice.name;
    options.mode = arguments.mode;
    options.is_native = arguments.is_native;
    options.is_dry_run = arguments.is_dry_run;
    options.fallback = arguments.is_fallback_refused ? Fallback::refused : Fallback::allowed;
    options.jobs = chosen_jobs(arguments.jobs);
    if (choice.config != nullptr) {
        options.jobs = chosen_jobs(arguments.jobs, choice.config->jobs);
        options.compression = choice.config->compression.value_or(Compression{});
        options.delta = choice.config->delta;
        options.read_bytes_per_s = choice.config->throttle_bytes_per_s;
        options.tags = choice.config->tags;
    }
    options.compression = arguments.compression.value_or(options.compression);
    if (arguments.throttle_bytes_per_s) {
        options.read_bytes_per_s = arguments.throttle_bytes_per_s;
    }
    for (const auto& [key, value] : arguments.tags) {
        options.tags.insert_or_assign(key, value);
    }
    if (options.source_name) {
        check_source_name(*options.source_name);
    }
    if (options.compression.kind == CompressionKind::zip && !arguments.is_archive) {
        throw explained<ConfigError>("compression zip does not go with a repository",
                                     "Use zstd, gzip or none for this source.", "bad_option_value");
    }
    if (options.is_native && choice.type == DatabaseType::sqlite) {
        throw explained<ConfigError>("--method native: sqlite has no native dump",
                                     "Leave --method out.", "not_supported");
    }
    return options;
}

/// A dry run where there is no repository to compare with yet: the first backup would read all.
BackupReport first_backup_plan(Connector& connector, const BackupOptions& options,
                               const std::stop_token& stop) {
    const Probe probe = connector.probe(stop);
    BackupReport report;
    SnapshotSummary& summary = report.snapshot.summary;
    summary.source_name = options.source_name.value_or(probe.suggested_name);
    summary.type = options.type;
    summary.mode = BackupMode::full;
    summary.requested_mode = options.mode;
    summary.identity = probe.identity;
    summary.bytes_source = probe.source_bytes;
    summary.tags = options.tags;
    report.snapshot.reason = "there is no repository yet";
    report.snapshot.server_version = probe.server_version;
    return report;
}

std::string mode_text(const SnapshotSummary& summary) {
    std::string text(word_of(summary.mode));
    if (summary.mode != summary.requested_mode) {
        text += fmt::format(" ({} was asked for)", word_of(summary.requested_mode));
    }
    return text;
}

std::string time_text(const BackupReport& report) {
    std::string text = format_duration(std::chrono::duration<double>(report.duration_s));
    const std::uint64_t bytes = report.snapshot.summary.bytes_read;
    if (bytes >= 1_MiB && report.duration_s > 0.001) {
        text += fmt::format(" ({}/s)", format_size(static_cast<std::uint64_t>(
                                           static_cast<double>(bytes) / report.duration_s)));
    }
    return text;
}

std::string report_text(const BackupReport& report, const BackupOptions& options,
                        const std::string& repository, const Terminal& terminal) {
    const SnapshotDetails& details = report.snapshot;
    const SnapshotSummary& summary = details.summary;
    const std::string source = printable(summary.source_name);
    std::string text =
        options.is_dry_run
            ? fmt::format("dry run: nothing was written; this would be a snapshot of {}\n", source)
            : fmt::format("snapshot {} of {}\n", summary.id.substr(0, 8), source);
    std::vector<Field> fields = {
        {"mode", mode_text(summary)},
    };
    if (!details.reason.empty()) {
        fields.emplace_back("reason", details.reason);
    }
    fields.emplace_back("parent", summary.parent ? summary.parent->substr(0, 8) : "none");
    if (options.is_dry_run) {
        fields.emplace_back("source", format_size(summary.bytes_source));
        if (report.segments_to_read + report.segments_to_reuse > 0) {
            fields.emplace_back("would read", counted(report.segments_to_read, "segment"));
            fields.emplace_back("would reuse", counted(report.segments_to_reuse, "segment"));
        }
    } else {
        fields.emplace_back("capture", fmt::format("{} ({})", capture_name(summary.capture),
                                                   capture_text(summary.capture)));
        fields.emplace_back("source", format_size(summary.bytes_source));
        fields.emplace_back("read", format_size(summary.bytes_read));
        fields.emplace_back("stored", format_size(summary.bytes_added));
        fields.emplace_back("chunks", chunks_text(summary));
        fields.emplace_back("time", time_text(report));
        if (report.writers_waited.count() > 0) {
            fields.emplace_back("writers", waited_text(report.writers_waited));
        }
    }
    if (!summary.tags.empty()) {
        fields.emplace_back("tags", tags_text(summary.tags));
    }
    fields.emplace_back("repository", repository);
    return text + aligned_fields(fields, terminal);
}

void log_result(const BackupReport& report, const std::string& repository, Log& log) {
    const SnapshotSummary& summary = report.snapshot.summary;
    log.info("took a snapshot",
             {{"snapshot", summary.id},
              {"source", summary.source_name},
              {"repository", repository},
              {"mode", std::string(word_of(summary.mode))},
              {"capture", std::string(capture_name(summary.capture))},
              {"bytes_read", std::to_string(summary.bytes_read)},
              {"bytes_added", std::to_string(summary.bytes_added)},
              {"duration_s", fmt::format("{:.3f}", report.duration_s)},
              {"writers_waited_s", fmt::format("{:.3f}", writers_waited_seconds(report))}});
}

Taken take_snapshot(const BackupArguments& arguments, const SourceChoice& source,
                    const BackupOptions& options, CommandContext& context) {
    const std::unique_ptr<Connector> connector =
        make_connector(source_options(source, arguments, context), context.plugins);
    std::vector<RepositoryChoice> choices = backup_targets(
        context, source.config != nullptr ? source.config->repository : std::string());
    if (options.is_dry_run) {
        choices.resize(1);
    }
    const RepositoryChoice& first = choices.front();
    if (options.is_dry_run && first.is_default && !repository_exists(first, context)) {
        refuse_lost_default(first, context);
        return {first_backup_plan(*connector, options, context.stop), first.url, {}};
    }
    if (first.is_default) {
        // A mistyped database must not leave an empty repository behind.
        static_cast<void>(connector->probe(context.stop));
    }
    const auto take = [&](const RepositoryChoice& choice, std::unique_ptr<Repository>& repository) {
        repository = open_or_make_repository(choice, context);
        Progress progress;
        const ProgressLine line(
            progress,
            context.progress("backing up " + options.source_name.value_or(text_of(source))),
            context.errors, context.log);
        return back_up(*repository, *connector, options, context.engine(progress), context.stop);
    };
    return take_for_all(choices, take, options.jobs, context);
}

Json targets_json(const std::vector<TargetOutcome>& targets) {
    Json list = Json::array();
    for (const TargetOutcome& each : targets) {
        Json error = nullptr;
        if (each.failure) {
            error = {{"code", each.failure->code},
                     {"message", each.failure->message},
                     {"hint", each.failure->hint}};
        }
        list.push_back({{"repository", each.repository},
                        {"snapshot", each.snapshot ? Json(*each.snapshot) : Json(nullptr)},
                        {"copied", each.is_copied},
                        {"bytes_added", each.bytes_added},
                        {"error", std::move(error)}});
    }
    return list;
}

std::string targets_text(const std::vector<TargetOutcome>& targets) {
    std::string text;
    for (const TargetOutcome& each : targets) {
        if (each.is_copied && each.snapshot) {
            text += fmt::format("copied to {}: {} stored, there {}\n", printable(each.repository),
                                format_size(each.bytes_added), each.snapshot->substr(0, 8));
        }
    }
    return text;
}

/// The snapshot is taken, but not wherever it was to be.
void add_failures(const std::vector<TargetOutcome>& targets, BackupReport& report, ExitCode& code) {
    for (const TargetOutcome& each : targets) {
        if (each.failure) {
            report.snapshot.warnings.push_back(fmt::format(
                "this snapshot is not in {}: {}{}{}", each.repository, each.failure->message,
                each.failure->hint.empty() ? "" : ". ", each.failure->hint));
            code = ExitCode::incomplete;
        }
    }
}

}  // namespace

ExitCode run_command(const BackupArguments& arguments, CommandContext& context) {
    const SourceChoice source = choose_source(arguments.source, context.config());
    const BackupOptions options = backup_options(arguments, source);
    const bool has_hooks = source.config != nullptr && !options.is_dry_run;
    const Hooks hooks(has_hooks ? &source.config->hooks : nullptr, source.name.value_or(""),
                      context);
    const bool is_told = has_hooks && !arguments.is_scheduled && !source.config->notify.empty();
    if (arguments.is_archive) {
        return archive_backup(arguments, source, options, hooks, context);
    }
    const NotedBackup noted(
        options.source_name, source.config, context,
        !options.is_dry_run && (arguments.is_scheduled || are_metrics_wanted(context.config())));
    Taken taken;
    try {
        hooks.before();
        taken = take_snapshot(arguments, source, options, context);
    } catch (...) {
        hooks.on_error();
        noted.failed();
        // Who stops it knows.
        if (is_told && !context.stop.stop_requested()) {
            tell_of_backup(source.name.value_or(""), *source.config, failed_run(), context);
        }
        throw;
    }
    context.is_done = true;
    auto& [report, url, targets] = taken;
    ExitCode code =
        report.snapshot.summary.is_incomplete ? ExitCode::incomplete : ExitCode::success;
    if (options.is_dry_run) {
        report.snapshot.summary.begun_at = context.clock.now();
    } else {
        log_result(report, url, context.log);
    }
    try {
        if (std::optional<std::string> problem = hooks.after(report, url, code)) {
            report.snapshot.warnings.push_back(std::move(*problem));
            code = ExitCode::incomplete;
        }
    } catch (const Cancelled&) {
        noted.ended(taken, ExitCode::incomplete);  // The snapshot stands.
        throw;
    }
    add_failures(targets, report, code);
    noted.ended(taken, code);
    JobRun run;
    run.status = code == ExitCode::success ? RunStatus::succeeded : RunStatus::incomplete;
    run.exit_code = static_cast<int>(code);
    run.snapshot = report.snapshot.summary.id;
    for (const std::string& warning : report.snapshot.warnings) {
        context.errors.line("db-backup: warning: " + printable(warning));
        run.message += (run.message.empty() ? "" : "\n") + warning;
    }
    if (context.output.is_json()) {
        Json document = report_json(report, options, url);
        if (!targets.empty()) {
            document["repositories"] = targets_json(targets);
        }
        context.output.document(document);
    } else if (!context.globals.is_quiet) {
        context.output.text(report_text(report, options, url, context.terminal) +
                            targets_text(targets));
    }
    if (is_told) {
        tell_of_backup(source.name.value_or(""), *source.config, std::move(run), context);
    }
    return code;
}

}  // namespace dbbackup
