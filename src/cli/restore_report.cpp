#include "cli/restore_report.hpp"

#include "base/units.hpp"
#include "cli/display_text.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
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

Json outcome_json(const RestoreOutcome& outcome, const RestoreOptions& options,
                  const std::optional<RestoredArchive>& archive) {
    Json document = {{"snapshot", text_or_null(outcome.snapshot.id)},
                     {"source", text_or_null(outcome.snapshot.source_name)},
                     {"target", options.target},
                     {"bytes_written", outcome.report.bytes_written},
                     {"rows", rows_json(outcome)},
                     {"verified", outcome.report.is_verified},
                     {"duration_s", outcome.duration_s},
                     {"warnings", warnings_of(outcome)},
                     {"bytes_fetched", outcome.bytes_fetched},
                     {"dry_run", options.is_dry_run}};
    if (archive) {
        document["archive"] = {{"input", archive->place},
                               {"kind", archive->kind},
                               {"checksum_verified", archive->is_checksum_verified}};
    }
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

Field origin_field(const SnapshotSummary& snapshot, const std::optional<RestoredArchive>& archive) {
    if (archive) {
        return {"archive", fmt::format("{} ({}{})", printable(archive->place), archive->kind,
                                       archive->is_checksum_verified ? ", checksum verified" : "")};
    }
    return {"snapshot", snapshot_line(snapshot)};
}

std::string replaces_text(const RestorePlan& plan) {
    if (!plan.overwrites) {
        return "nothing";
    }
    return plan.tables.empty() ? "what the target holds" : "the tables of these names";
}

std::string needs_text(const RestorePlan& plan) {
    if (!plan.tables.empty()) {
        return plan.bytes_free == 0  // A server does not tell.
                   ? "what the tables take"
                   : fmt::format("what the tables take, {} free", format_size(plan.bytes_free));
    }
    return fmt::format("{}, {} free{}", format_size(plan.bytes_needed),
                       format_size(plan.bytes_free),
                       plan.bytes_needed > plan.bytes_free ? " (NOT ENOUGH)" : "");
}

std::string plan_text(const RestoreOutcome& outcome, const RestoreOptions& options,
                      const std::optional<RestoredArchive>& archive, const Terminal& terminal) {
    const RestorePlan& plan = outcome.plan;
    std::string text = "dry run: nothing was written\n";
    text += aligned_fields(
        {
            origin_field(outcome.snapshot, archive),
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
                         const std::optional<RestoredArchive>& archive, const Terminal& terminal) {
    const double seconds = outcome.duration_s;
    std::string time = format_duration(std::chrono::duration<double>(seconds));
    if (outcome.report.bytes_written > 0 && seconds > 0.001) {
        const double rate = static_cast<double>(outcome.report.bytes_written) / seconds;
        time += fmt::format(" ({}/s)", format_size(static_cast<std::uint64_t>(rate)));
    }
    std::vector<Field> fields = {origin_field(outcome.snapshot, archive)};
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
                        outcome.report.is_verified
                            ? fmt::format("yes: equal to the {}", archive ? "archive" : "snapshot")
                            : "no");
    fields.emplace_back("time", time);
    return fmt::format("restored {}\n", printable(options.target)) +
           aligned_fields(fields, terminal);
}

}  // namespace

ExitCode report_restore(const RestoreOutcome& outcome, const RestoreOptions& options,
                        const std::optional<RestoredArchive>& archive, CommandContext& context) {
    for (const std::string& warning : warnings_of(outcome)) {
        context.errors.line("db-backup: warning: " + printable(warning));
    }
    if (context.output.is_json()) {
        context.output.document(outcome_json(outcome, options, archive));
    } else if (options.is_dry_run) {
        context.output.text(plan_text(outcome, options, archive, context.terminal));
    } else if (!context.globals.is_quiet) {
        context.output.text(outcome_text(outcome, options, archive, context.terminal));
    }
    return outcome.report.is_incomplete || !outcome.lost.empty() ? ExitCode::incomplete
                                                                 : ExitCode::success;
}

}  // namespace dbbackup
