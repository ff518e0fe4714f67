/// @file
/// `db-backup restore`: writes a snapshot into a target, or says what that would do.

#include "cli/archive_restore.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/restore_options.hpp"
#include "cli/restore_report.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/source_access.hpp"
#include "cli/target_checks.hpp"
#include "config/read_value.hpp"
#include "engine/restore.hpp"
#include "engine/snapshot_choice.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace dbbackup {
namespace {

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

}  // namespace

ExitCode run_command(const RestoreArguments& arguments, CommandContext& context) {
    if (is_archive_name(arguments.snapshot)) {
        return restore_archive_file(arguments, context);
    }
    const RepositoryChoice choice =
        choose_repository(context, repository_of_source(arguments.source, context.config()));
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    const auto [snapshots, damaged] = read_snapshots(*repository, context);
    const SnapshotSummary snapshot = choose_tagged_snapshot(snapshots, damaged, arguments.snapshot,
                                                            arguments.source, arguments.tags);
    check_target(arguments, snapshot.type);
    if (snapshot.type == DatabaseType::sqlite) {
        refuse_target_inside(choice.url, *arguments.target);
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
        const ProgressLine line(progress,
                                context.progress("restoring " + masked_uri(options.target)),
                                context.errors, context.log);
        outcome = restore(*repository, snapshot.id, *connector, options, context.engine(progress),
                          context.stop);
    }
    context.is_done = true;
    options.target = masked_uri(options.target);  // From here on it is shown.
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
    return report_restore(outcome, options, std::nullopt, context);
}

}  // namespace dbbackup
