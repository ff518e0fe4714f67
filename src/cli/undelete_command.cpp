/// @file
/// `db-backup undelete`: brings back what was removed from a bucket that keeps it.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "engine/undelete.hpp"
#include "engine/verify.hpp"
#include "repository/manifest.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

/// What came back, as far as it can be read.
struct BroughtBack {
    std::vector<SnapshotSummary> snapshots;
    std::set<SnapshotId> damaged;  ///< Of these, those of which not all came back.
};

BroughtBack snapshots_of(const UndeleteReport& report, const RepositoryChoice& choice,
                         CommandContext& context) {
    const std::set<ObjectName> names(report.objects.begin(), report.objects.end());
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    BroughtBack back;
    back.snapshots = read_snapshots(*repository, context).snapshots;
    std::erase_if(back.snapshots, [&names](const SnapshotSummary& snapshot) {
        return !names.contains(manifest_object_name(snapshot.source_id, snapshot.id));
    });
    if (back.snapshots.empty()) {
        return back;  // To verify none would be to verify all.
    }
    std::vector<SnapshotId> ids;
    std::ranges::transform(back.snapshots, std::back_inserter(ids), &SnapshotSummary::id);
    Progress progress;
    const VerifyReport found = verify(*repository, VerifyDepth::structure, ids, chosen_jobs({}),
                                      context.engine(progress), context.stop);
    for (const Finding& finding : found.findings) {
        if (!finding.is_harmless) {
            back.damaged.insert(finding.snapshots.begin(), finding.snapshots.end());
        }
    }
    return back;
}

Json report_json(const UndeleteReport& report, const BroughtBack& back, bool is_dry_run) {
    Json listed = Json::array();
    for (const SnapshotSummary& snapshot : back.snapshots) {
        listed.push_back({{"snapshot", snapshot.id},
                          {"source", snapshot.source_name},
                          {"whole", !back.damaged.contains(snapshot.id)}});
    }
    return {{"dry_run", is_dry_run},
            {"objects", report.objects.size()},
            {"bytes", report.bytes},
            {"snapshots", std::move(listed)}};
}

std::string report_text(const UndeleteReport& report, const BroughtBack& back, bool is_dry_run) {
    std::string text;
    for (const SnapshotSummary& snapshot : back.snapshots) {
        text += fmt::format("{}  {}  {}{}\n", snapshot.id.substr(0, 8),
                            local_time_text(snapshot.begun_at), printable(snapshot.source_name),
                            back.damaged.contains(snapshot.id)
                                ? "  DAMAGED: part of its data is gone for good"
                                : "");
    }
    if (report.objects.empty()) {
        return "there is nothing to bring back\n";
    }
    return text + fmt::format("{} {}, {}\n", is_dry_run ? "would bring back" : "brought back",
                              counted(report.objects.size(), "object"), format_size(report.bytes));
}

}  // namespace

ExitCode run_command(const UndeleteArguments& arguments, CommandContext& context) {
    const RepositoryChoice choice = choose_repository(context);
    const std::unique_ptr<Storage> storage = open_storage(choice, CreatePlace::no, context);
    UndeleteReport report;
    if (storage) {
        report = undelete(*storage, arguments.is_dry_run, context.clock, context.stop);
        context.log.info("brought back what had been removed",
                         {{"repository", storage->url()},
                          {"objects", std::to_string(report.objects.size())},
                          {"dry_run", arguments.is_dry_run ? "yes" : "no"}});
    }
    // Says so, too, if there is still no repository.
    BroughtBack back;
    if (!arguments.is_dry_run || !storage) {
        back = snapshots_of(report, choice, context);
    }
    if (context.output.is_json()) {
        context.output.document(report_json(report, back, arguments.is_dry_run));
    } else if (!context.globals.is_quiet) {
        context.output.text(report_text(report, back, arguments.is_dry_run));
    }
    return back.damaged.empty() ? ExitCode::success : ExitCode::corruption;
}

}  // namespace dbbackup
