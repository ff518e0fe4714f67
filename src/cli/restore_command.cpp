/// @file
/// `db-backup restore`: writes a snapshot into a target, or says what that would do.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/source_access.hpp"
#include "cli/table.hpp"
#include "engine/restore.hpp"
#include "engine/snapshot_choice.hpp"
#include "storage/registry.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

Json rows_json(const RestoreOutcome& outcome) {
    const bool has_rows = outcome.snapshot.rows || outcome.is_of_tables;
    return has_rows ? Json(outcome.report.rows) : Json(nullptr);
}

std::vector<std::string> warnings_of(const RestoreOutcome& outcome) {
    std::vector<std::string> warnings = outcome.plan.warnings;
    warnings.insert(warnings.end(), outcome.report.warnings.begin(), outcome.report.warnings.end());
    for (const LostRange& range : outcome.lost) {
        warnings.push_back(lost_range_text(range));
    }
    const bool is_first_lost =
        std::any_of(outcome.lost.begin(), outcome.lost.end(),
                    [](const LostRange& each) { return each.first_page == 0; });
    if (is_first_lost && outcome.snapshot.type == DatabaseType::sqlite) {
        warnings.emplace_back(
            "SQLite opens no database without its first page: put that of another snapshot there, "
            "and then use .recover");
    } else if (!outcome.lost.empty() && outcome.snapshot.type == DatabaseType::sqlite) {
        warnings.emplace_back(
            "the restored database is damaged: \"sqlite3 DAMAGED .recover | sqlite3 NEW\" saves "
            "the "
            "rows that are left into a new one");
    }
    return warnings;
}

Json lost_json(const std::vector<LostRange>& lost) {
    Json list = Json::array();
    for (const LostRange& range : lost) {
        list.push_back({{"stream", range.stream},
                        {"first_page", range.first_page},
                        {"page_count", range.page_count},
                        {"zeros", range.is_filled},
                        {"problem", range.problem}});
    }
    return list;
}

std::uint64_t lost_pages(const RestoreOutcome& outcome) {
    std::uint64_t pages = 0;
    for (const LostRange& range : outcome.lost) {
        pages += range.page_count;
    }
    return pages;
}

Json tables_json(const std::vector<RestoredTable>& tables) {
    Json list = Json::array();
    for (const RestoredTable& table : tables) {
        list.push_back({{"table", table.name},
                        {"target", table.target},
                        {"rows", table.rows ? Json(*table.rows) : Json(nullptr)}});
    }
    return list;
}

Json outcome_json(const RestoreOutcome& outcome, const RestoreOptions& options) {
    Json document = {{"snapshot", outcome.snapshot.id},
                     {"source", outcome.snapshot.source_name},
                     {"target", options.target},
                     {"bytes_written", outcome.report.bytes_written},
                     {"rows", rows_json(outcome)},
                     {"verified", outcome.report.is_verified},
                     {"duration_s", outcome.duration_s},
                     {"warnings", warnings_of(outcome)},
                     {"bytes_fetched", outcome.bytes_fetched},
                     {"dry_run", options.is_dry_run}};
    if (!outcome.databases.empty()) {
        document["databases"] = outcome.databases;
    }
    if (outcome.is_of_tables) {
        document["tables"] =
            tables_json(options.is_dry_run ? outcome.plan.tables : outcome.report.tables);
        document["incomplete"] = outcome.report.is_incomplete;
    }
    if (options.is_partial && !options.is_dry_run) {
        document["incomplete"] = !outcome.lost.empty();
        document["lost"] = lost_json(outcome.lost);
    }
    if (options.is_dry_run) {
        document["plan"] = {{"steps", outcome.plan.steps},
                            {"bytes_needed", outcome.plan.bytes_needed},
                            {"bytes_free", outcome.plan.bytes_free},
                            {"overwrites", outcome.plan.overwrites},
                            {"source_version", outcome.plan.source_version},
                            {"target_state", outcome.plan.target_state}};
    }
    return document;
}

std::string snapshot_line(const SnapshotSummary& snapshot) {
    return fmt::format("{} of {}, {}", snapshot.id.substr(0, 8), snapshot.source_name,
                       local_time_text(snapshot.begun_at));
}

std::string replaces_text(const RestorePlan& plan) {
    if (!plan.overwrites) {
        return "nothing";
    }
    return plan.tables.empty() ? "what the target holds" : "the tables of these names";
}

std::string needs_text(const RestorePlan& plan) {
    if (!plan.tables.empty()) {
        return fmt::format("what the tables take, {} free", format_size(plan.bytes_free));
    }
    return fmt::format("{}, {} free{}", format_size(plan.bytes_needed),
                       format_size(plan.bytes_free),
                       plan.bytes_needed > plan.bytes_free ? " (NOT ENOUGH)" : "");
}

std::string plan_text(const RestoreOutcome& outcome, const RestoreOptions& options,
                      const Terminal& terminal) {
    const RestorePlan& plan = outcome.plan;
    std::string text = "dry run: nothing was written\n";
    text += aligned_fields(
        {
            {"snapshot", snapshot_line(outcome.snapshot)},
            {"server", fmt::format("{} {}", word_of(outcome.snapshot.type), plan.source_version)},
            {"target", options.target},
            {"holds now", plan.target_state},
            {"replaces", replaces_text(plan)},
            {"needs", needs_text(plan)},
        },
        terminal);
    text += "steps:\n";
    for (std::size_t index = 0; index < plan.steps.size(); ++index) {
        text += fmt::format("  {}. {}\n", index + 1, printable(plan.steps[index]));
    }
    return text;
}

std::string written_text(const RestoreOutcome& outcome) {
    const std::string size = format_size(outcome.report.bytes_written);
    return outcome.databases.empty()
               ? size
               : fmt::format("{}, {}", size, counted(outcome.databases.size(), "database"));
}

std::string outcome_text(const RestoreOutcome& outcome, const RestoreOptions& options,
                         const Terminal& terminal) {
    const double seconds = outcome.duration_s;
    std::string time = format_duration(std::chrono::duration<double>(seconds));
    if (outcome.report.bytes_written > 0 && seconds > 0.001) {
        const double rate = static_cast<double>(outcome.report.bytes_written) / seconds;
        time += fmt::format(" ({}/s)", format_size(static_cast<std::uint64_t>(rate)));
    }
    std::vector<Field> fields = {{"snapshot", snapshot_line(outcome.snapshot)}};
    const std::vector<RestoredTable>& tables = outcome.report.tables;
    if (!tables.empty()) {
        fields.emplace_back("tables", count_text(tables.size()));
        fields.emplace_back("rows", count_text(outcome.report.rows));
        fields.emplace_back("fetched", format_size(outcome.bytes_fetched));
    }
    fields.emplace_back("written", written_text(outcome));
    if (!outcome.lost.empty()) {
        fields.emplace_back("lost", counted(lost_pages(outcome), "page"));
    }
    fields.emplace_back("verified",
                        outcome.report.is_verified ? "yes: equal to the snapshot" : "no");
    fields.emplace_back("time", time);
    return fmt::format("restored {}\n", printable(options.target)) +
           aligned_fields(fields, terminal);
}

Selection selection_of(const RestoreArguments& arguments) {
    if (arguments.is_schema_only && arguments.is_data_only) {
        throw explained<ConfigError>("--schema-only and --data-only exclude each other",
                                     "Leave both out for definitions and rows.", "usage");
    }
    Selection selection;
    selection.names = NameSelection::parse(arguments.include, arguments.exclude);
    selection.where = arguments.where;
    selection.renames = arguments.renames;
    if (arguments.is_schema_only || arguments.is_data_only) {
        selection.parts = arguments.is_schema_only ? Parts::schema : Parts::data;
    }
    return selection;
}

/// A database among the objects of the repository would look like damage, or replace one.
void refuse_target_inside(const RepositoryChoice& repository, const std::string& target) {
    const StorageUrl url = StorageUrl::parse(repository.url);
    if (url.type() != StorageType::local) {
        return;
    }
    std::error_code ignored;  // What cannot be resolved is refused by the connector.
    const auto root = std::filesystem::weakly_canonical(url.path, ignored);
    const auto place = std::filesystem::weakly_canonical(absolute_path(target), ignored);
    const auto [root_end, place_end] =
        std::mismatch(root.begin(), root.end(), place.begin(), place.end());
    if (!root.empty() && root_end == root.end()) {
        throw explained<ConfigError>(
            fmt::format("the target {} is inside the repository {}", target, repository.url),
            "Choose a place outside.", "target_in_repository");
    }
}

/// What the program says would be written over the database.
void refuse_own_output(const std::string& target) {
    struct stat place{};
    if (::stat(target.c_str(), &place) != 0) {
        return;
    }
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat output{};
        if (::fstat(descriptor, &output) == 0 && output.st_dev == place.st_dev &&
            output.st_ino == place.st_ino) {
            throw explained<ConfigError>(
                fmt::format("the target {} is where this program's own output goes", target),
                "Give the path of a file of its own.", "target_is_output");
        }
    }
}

/// A newer snapshot than the one that is restored may be gone.
void warn_of_lost_manifests(const Repository& repository, const SnapshotSummary& snapshot,
                            std::vector<std::string>& warnings) {
    for (const ObjectName& lost : repository.lost_manifests()) {
        if (lost.text().find("/" + snapshot.source_id + "/") != std::string::npos) {
            warnings.push_back(
                fmt::format("a newer snapshot of this source, {}, is gone, and no prune removed it",
                            lost.leaf()));
        }
    }
}

/// What a stop leaves of several databases once some are restored.
std::string left_text(const std::vector<std::string>& restored) {
    constexpr std::size_t kNamesMax = 10;
    const std::size_t named = std::min(restored.size(), kNamesMax);
    return fmt::format(
        "{} before: {}{}; the others are as they were.",
        restored.size() == 1 ? "One database was restored"
                             : counted(restored.size(), "database") + " were restored",
        fmt::join(restored.begin(), restored.begin() + static_cast<std::ptrdiff_t>(named), ", "),
        named < restored.size() ? " and others" : "");
}

/// @pre The target is given.
RestoreOptions restore_options(const RestoreArguments& arguments) {
    RestoreOptions options;
    options.target = arguments.target.value();
    options.overwrite = arguments.is_clean ? Overwrite::yes : Overwrite::no;
    options.verify = arguments.is_verify;
    options.is_dry_run = arguments.is_dry_run;
    options.is_partial = arguments.is_partial;
    options.jobs = chosen_jobs(arguments.jobs);
    options.selection = selection_of(arguments);
    return options;
}

}  // namespace

ExitCode run_command(const RestoreArguments& arguments, CommandContext& context) {
    const RepositoryChoice choice =
        choose_repository(context, repository_of_source(arguments.source, context.config()));
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    const auto [snapshots, damaged] = read_snapshots(*repository, context);
    const std::vector<SnapshotSummary> tagged =
        tagged_snapshots_or_throw(snapshots, damaged, arguments.tags, arguments.source);
    const SnapshotSummary& snapshot =
        choose_snapshot(tagged, damaged, arguments.snapshot, arguments.source);
    if (!arguments.target) {
        throw explained<ConfigError>("restore does not know where to restore to",
                                     snapshot.type == DatabaseType::sqlite
                                         ? "Give a file, or for several databases a folder: "
                                           "--to PATH."
                                         : "Give a target: --to URI.",
                                     "target_missing");
    }
    if (snapshot.type == DatabaseType::sqlite) {
        refuse_target_inside(choice, *arguments.target);
        refuse_own_output(*arguments.target);
    }
    RestoreOptions options = restore_options(arguments);
    std::vector<std::string> restored;
    options.on_database = [&](const std::string& database) {
        restored.push_back(database);
        context.left_by_stop = left_text(restored);
    };
    SourceOptions target;
    target.type = snapshot.type;
    target.lock_timeout = arguments.lock_timeout.value_or(target.lock_timeout);
    const std::unique_ptr<Connector> connector = make_connector(std::move(target), context.plugins);
    RestoreOutcome outcome;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("restoring " + options.target),
                                context.errors, context.log);
        outcome = restore(*repository, snapshot.id, *connector, options, context.engine(progress),
                          context.stop);
    }
    context.is_done = true;
    if (!options.is_dry_run) {
        context.log.info("restored a snapshot",
                         {{"snapshot", outcome.snapshot.id},
                          {"source", outcome.snapshot.source_name},
                          {"target", options.target},
                          {"bytes_written", std::to_string(outcome.report.bytes_written)},
                          {"duration_s", fmt::format("{:.3f}", outcome.duration_s)}});
    }
    if (doubtful_snapshots(snapshots).contains(snapshot.id)) {
        outcome.plan.warnings.push_back(
            fmt::format("snapshot {} is doubtful: {}", snapshot.id, kDoubtfulText));
    }
    warn_of_lost_manifests(*repository, snapshot, outcome.plan.warnings);
    for (const std::string& warning : warnings_of(outcome)) {
        context.errors.line("db-backup: warning: " + printable(warning));
    }
    if (context.output.is_json()) {
        context.output.document(outcome_json(outcome, options));
    } else if (options.is_dry_run) {
        context.output.text(plan_text(outcome, options, context.terminal));
    } else if (!context.globals.is_quiet) {
        context.output.text(outcome_text(outcome, options, context.terminal));
    }
    return outcome.report.is_incomplete || !outcome.lost.empty() ? ExitCode::incomplete
                                                                 : ExitCode::success;
}

}  // namespace dbbackup
