/// @file
/// `db-backup verify`: proves that a repository is whole, or says what is not.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/findings_output.hpp"
#include "cli/noted_facts.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "engine/snapshot_choice.hpp"
#include "engine/verify.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

struct Verdict {
    std::size_t problems = 0;
    std::set<SnapshotId> snapshots;  ///< Those that can not be restored whole.
};

Verdict verdict_of(const VerifyReport& report) {
    Verdict verdict;
    for (const Finding& finding : report.findings) {
        if (!finding.is_harmless) {
            ++verdict.problems;
            verdict.snapshots.insert(finding.snapshots.begin(), finding.snapshots.end());
        }
    }
    return verdict;
}

Json report_json(const VerifyReport& report, VerifyDepth depth, const Verdict& verdict) {
    return {{"ok", verdict.problems == 0},
            {"depth", depth == VerifyDepth::data ? "data" : "structure"},
            {"snapshots", report.snapshots},
            {"packs", report.packs},
            {"chunks", report.chunks},
            {"key_slots", report.key_slots},
            {"bytes_read", report.bytes_read},
            {"damaged_snapshots", verdict.snapshots},
            {"findings", findings_json(report.findings)},
            {"duration_s", report.duration_s}};
}

std::string report_text(const VerifyReport& report, VerifyDepth depth, const Verdict& verdict) {
    const std::string text = findings_text(report.findings);
    const std::string seen = fmt::format(
        "{}, {}, {}{}{} in {}", counted(report.snapshots, "snapshot"),
        counted(report.packs, "pack"), counted(report.chunks, "chunk"),
        report.key_slots > 0 ? ", " + counted(report.key_slots, "key slot") : "",
        depth == VerifyDepth::data ? fmt::format(", {} read", format_size(report.bytes_read)) : "",
        format_duration(std::chrono::duration<double>(report.duration_s)));
    if (verdict.problems > 0) {
        return text + fmt::format("DAMAGED: {}; {} can not be restored whole ({})\n",
                                  counted(verdict.problems, "problem"),
                                  counted(verdict.snapshots.size(), "snapshot"), seen);
    }
    return text + fmt::format("ok: {}{}\n", seen,
                              depth == VerifyDepth::data
                                  ? ""
                                  : " (structure only; --data reads every byte)");
}

}  // namespace

ExitCode run_command(const VerifyArguments& arguments, CommandContext& context) {
    const RepositoryChoice choice =
        choose_repository(context, repository_of_source(arguments.source, context.config()));
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    std::vector<SnapshotId> only;
    if (!arguments.snapshots.empty()) {
        std::vector<std::string> damaged;  // Found again, and told, by the verification itself.
        const std::vector<SnapshotSummary> snapshots =
            repository->snapshots(context.stop, &damaged);
        for (const std::string& text : arguments.snapshots) {
            only.push_back(choose_snapshot(snapshots, damaged, text, arguments.source).id);
        }
    }
    const VerifyDepth depth = arguments.is_data ? VerifyDepth::data : VerifyDepth::structure;
    VerifyReport report;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("verifying"), context.errors,
                                context.log);
        report = verify(*repository, depth, only, chosen_jobs(arguments.jobs),
                        context.engine(progress), context.stop);
    }
    const Verdict verdict = verdict_of(report);
    if (only.empty()) {
        note_verified(choice, verdict.problems, context);
    }
    context.log.info("verified the repository",
                     {{"problems", std::to_string(verdict.problems)},
                      {"snapshots", std::to_string(report.snapshots)},
                      {"duration_s", fmt::format("{:.3f}", report.duration_s)}});
    if (context.output.is_json()) {
        context.output.document(report_json(report, depth, verdict));
    } else if (!context.globals.is_quiet || !report.findings.empty()) {
        context.output.text(report_text(report, depth, verdict));
    }
    return verdict.problems == 0 ? ExitCode::success : ExitCode::corruption;
}

}  // namespace dbbackup
