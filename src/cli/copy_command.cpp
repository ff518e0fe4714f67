/// @file
/// `db-backup copy`: snapshots of one repository to another.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_text.hpp"
#include "engine/snapshot_choice.hpp"
#include "engine/snapshot_copy.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

struct Tally {
    std::size_t copied = 0;
    std::size_t present = 0;
    std::size_t failed = 0;
    std::uint64_t bytes_added = 0;
};

Tally tally_of(const CopyReport& report) {
    Tally tally;
    for (const CopiedSnapshot& each : report.snapshots) {
        const bool has_failed = !each.failure.empty();
        ++(has_failed ? tally.failed : each.was_there ? tally.present : tally.copied);
        tally.bytes_added += !each.was_there && each.target ? each.target->bytes_added : 0;
    }
    return tally;
}

Json snapshot_json(const CopiedSnapshot& each) {
    const bool is_new = !each.was_there && each.target;
    const auto of_new = [&](std::uint64_t SnapshotSummary::* member) {
        return Json(is_new ? (*each.target).*member : 0);
    };
    return {{"snapshot", each.source.id},
            {"source", each.source.source_name},
            {"to_snapshot", each.target ? Json(each.target->id) : Json(nullptr)},
            {"was_there", each.was_there},
            {"bytes_source", each.source.bytes_source},
            {"bytes_added", of_new(&SnapshotSummary::bytes_added)},
            {"chunks_new", of_new(&SnapshotSummary::chunks_new)},
            {"chunks_delta", of_new(&SnapshotSummary::chunks_delta)},
            {"chunks_reused", of_new(&SnapshotSummary::chunks_reused)},
            {"failure", text_or_null(each.failure)}};
}

Json report_json(const CopyReport& report, const std::string& from, const std::string& to,
                 bool is_dry_run) {
    const Tally tally = tally_of(report);
    Json snapshots = Json::array();
    for (const CopiedSnapshot& each : report.snapshots) {
        snapshots.push_back(snapshot_json(each));
    }
    return {{"repository", from},
            {"to", to},
            {"dry_run", is_dry_run},
            {"copied", tally.copied},
            {"present", tally.present},
            {"failed", tally.failed},
            {"bytes_fetched", report.bytes_fetched},
            {"bytes_added", tally.bytes_added},
            {"snapshots", std::move(snapshots)},
            {"duration_s", report.duration_s}};
}

std::string report_text(const CopyReport& report, const std::string& to, bool is_dry_run) {
    std::string text;
    for (const CopiedSnapshot& each : report.snapshots) {
        const std::string name =
            fmt::format("{} of {}, {}", each.source.id.substr(0, 8),
                        printable(each.source.source_name), local_time_text(each.source.begun_at));
        if (!each.failure.empty()) {
            text += fmt::format("NOT copied {}: {}\n", name, printable(each.failure));
        } else if (!each.was_there) {
            text += each.target ? fmt::format("copied {}: {} stored, now {}\n", name,
                                              format_size(each.target->bytes_added),
                                              each.target->id.substr(0, 8))
                                : fmt::format("would copy {}\n", name);
        }
    }
    const Tally tally = tally_of(report);
    text += fmt::format(
        "{}{}, {} there already{} in {}: {} stored, {} read\n", counted(tally.copied, "snapshot"),
        is_dry_run ? " to copy" : " copied", tally.present,
        tally.failed > 0 ? fmt::format(", {} failed", tally.failed) : "", printable(to),
        format_size(tally.bytes_added), format_size(report.bytes_fetched));
    return text;
}

/// Those that are meant. @throws ConfigError as `choose_snapshot`, and as `check_source`.
std::vector<SnapshotSummary> chosen(const CopyArguments& arguments,
                                    const ReadableSnapshots& readable) {
    if (arguments.source) {
        check_source(*arguments.source, readable.snapshots);
    }
    std::vector<SnapshotSummary> tagged = tagged_snapshots(readable.snapshots, arguments.tags);
    std::vector<SnapshotSummary> result;
    for (const std::string& text : arguments.snapshots) {
        const SnapshotSummary& one =
            choose_snapshot(tagged, readable.damaged, text, arguments.source);
        if (std::ranges::find(result, one.id, &SnapshotSummary::id) == result.end()) {
            result.push_back(one);
        }
    }
    if (arguments.snapshots.empty()) {
        result = std::move(tagged);
        std::erase_if(result, [&arguments](const SnapshotSummary& each) {
            return arguments.source && each.source_name != *arguments.source;
        });
    }
    return result;
}

}  // namespace

ExitCode run_command(const CopyArguments& arguments, CommandContext& context) {
    const RepositoryChoice from =
        choose_repository(context, repository_of_source(arguments.source, context.config()));
    const RepositoryChoice to =
        choose_second_repository(arguments.target.value(), arguments.target_key_file, context);
    const std::unique_ptr<Repository> source = open_repository(from, context);
    const std::unique_ptr<Repository> target = open_repository(to, context);
    if (!arguments.is_dry_run) {
        target->check_writable();
    }
    const ReadableSnapshots readable = read_snapshots(*source, context);
    CopyOptions options;
    options.compression = arguments.compression;
    options.jobs = chosen_jobs(arguments.jobs);
    options.is_dry_run = arguments.is_dry_run;
    CopyReport report;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("copying"), context.errors, context.log);
        report = copy_snapshots(*source, *target, chosen(arguments, readable), options,
                                context.engine(progress), context.stop);
    }
    context.is_done = true;
    const Tally tally = tally_of(report);
    const std::string to_url = target->storage().url();
    context.log.info("copied snapshots", {{"copied", std::to_string(tally.copied)},
                                          {"present", std::to_string(tally.present)},
                                          {"failed", std::to_string(tally.failed)},
                                          {"bytes_added", std::to_string(tally.bytes_added)},
                                          {"to", to_url}});
    if (context.output.is_json()) {
        context.output.document(
            report_json(report, source->storage().url(), to_url, arguments.is_dry_run));
    } else if (!context.globals.is_quiet || tally.failed > 0) {
        context.output.text(report_text(report, to_url, arguments.is_dry_run));
    }
    return tally.failed == 0 && readable.damaged.empty() ? ExitCode::success : ExitCode::corruption;
}

}  // namespace dbbackup
