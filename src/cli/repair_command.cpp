/// @file
/// `db-backup repair`: mends what can be mended without a copy, and says what is lost.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/findings_output.hpp"
#include "cli/progress_line.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "engine/repair.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

bool is_whole(const RepairReport& report) {
    return report.losses.empty() && report.beyond_repair.empty();
}

Json losses_json(const std::vector<SnapshotLoss>& losses) {
    Json list = Json::array();
    for (const SnapshotLoss& loss : losses) {
        Json lost = Json::array();
        for (const LostRange& range : loss.lost) {
            lost.push_back({{"stream", range.stream},
                            {"first_page", range.first_page},
                            {"page_count", range.page_count},
                            {"problem", range.problem}});
        }
        list.push_back(
            {{"snapshot", loss.snapshot},
             {"source", loss.source_name.empty() ? Json(nullptr) : Json(loss.source_name)},
             {"readable", loss.is_readable},
             {"bytes_lost", loss.bytes_lost},
             {"lost", std::move(lost)},
             {"problems", loss.problems}});
    }
    return list;
}

Json report_json(const RepairReport& report, const RepairOptions& options) {
    return {{"ok", is_whole(report)},
            {"dry_run", options.is_dry_run},
            {"depth", options.depth == VerifyDepth::data ? "data" : "structure"},
            {"findings", findings_json(report.found.findings)},
            {"recorded", report.recorded},
            {"indexed", report.indexed},
            {"removed", report.removed},
            {"damaged_snapshots", losses_json(report.losses)},
            {"beyond_repair", report.beyond_repair},
            {"bytes_read", report.found.bytes_read},
            {"duration_s", report.duration_s}};
}

std::string list_text(const std::string& heading, const std::vector<std::string>& objects) {
    std::string text;
    for (const std::string& object : objects) {
        text += fmt::format("  {}\n", printable(object));
    }
    return text.empty() ? text : heading + "\n" + text;
}

std::string loss_text(const SnapshotLoss& loss) {
    if (!loss.is_readable) {
        return fmt::format("snapshot {} cannot be read: put its manifest back from a copy\n",
                           loss.snapshot);
    }
    std::string text =
        fmt::format("snapshot {} of {}: {} lost; 'restore --partial' gives the rest\n",
                    loss.snapshot, printable(loss.source_name), format_size(loss.bytes_lost));
    for (const LostRange& range : loss.lost) {
        text += fmt::format("  {}\n", printable(lost_range_text(range)));
    }
    return text;
}

std::string report_text(const RepairReport& report, const RepairOptions& options) {
    std::string text = findings_text(report.found.findings);
    const bool is_dry = options.is_dry_run;
    text += list_text(is_dry ? "would be recorded as damaged:" : "recorded as damaged:",
                      report.recorded);
    text +=
        list_text(is_dry ? "would be in an index again:" : "in an index again:", report.indexed);
    text += list_text(is_dry ? "would be removed:" : "removed:", report.removed);
    text += list_text("to be put back from a copy of the repository:", report.beyond_repair);
    for (const SnapshotLoss& loss : report.losses) {
        text += loss_text(loss);
    }
    if (!report.losses.empty()) {
        text +=
            "Back up each source now: what its database still has is stored again, and heals "
            "these snapshots.\n";
    }
    const std::string depth =
        options.depth == VerifyDepth::data ? "" : " (structure only; --data reads every byte)";
    return text + (is_whole(report)
                       ? fmt::format("ok: no snapshot has lost anything{}\n", depth)
                       : fmt::format("DAMAGED: {} lost something; {} to be put back{}\n",
                                     counted(report.losses.size(), "snapshot"),
                                     counted(report.beyond_repair.size(), "object"), depth));
}

}  // namespace

ExitCode run_command(const RepairArguments& arguments, CommandContext& context) {
    const std::unique_ptr<Repository> repository = open_repository(
        choose_repository(context, repository_of_source(arguments.source, context.config())),
        context);
    RepairOptions options;
    options.depth = arguments.is_data ? VerifyDepth::data : VerifyDepth::structure;
    options.jobs = chosen_jobs(arguments.jobs);
    options.is_dry_run = arguments.is_dry_run;
    options.may_remove = arguments.is_yes;
    RepairReport report;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("repairing"), context.errors,
                                context.log);
        report = repair(*repository, options, context.engine(progress), context.stop);
    }
    context.is_done = true;
    context.log.info("repaired the repository",
                     {{"recorded", std::to_string(report.recorded.size())},
                      {"indexed", std::to_string(report.indexed.size())},
                      {"damaged_snapshots", std::to_string(report.losses.size())},
                      {"duration_s", fmt::format("{:.3f}", report.duration_s)}});
    if (context.output.is_json()) {
        context.output.document(report_json(report, options));
    } else if (!context.globals.is_quiet || !is_whole(report)) {
        context.output.text(report_text(report, options));
    }
    return !report.beyond_repair.empty() ? ExitCode::corruption
           : !report.losses.empty()      ? ExitCode::incomplete
                                         : ExitCode::success;
}

}  // namespace dbbackup
