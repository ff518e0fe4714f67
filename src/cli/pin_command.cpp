/// @file
/// `db-backup pin` and `unpin`: snapshots that nothing may remove.

#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "engine/pin.hpp"
#include "engine/snapshot_choice.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <string>

namespace dbbackup {
namespace {

constexpr std::chrono::minutes kWaitDefault{1};

std::unique_ptr<Repository> open_for(const std::optional<std::string>& source,
                                     CommandContext& context) {
    return open_repository(
        choose_repository(context, repository_of_source(source, context.config())), context);
}

SnapshotSummary chosen(Repository& repository, const std::string& text,
                       const std::optional<std::string>& source,
                       const std::map<std::string, std::string>& tags, CommandContext& context) {
    const auto [snapshots, damaged] = read_snapshots(repository, context);
    return choose_tagged_snapshot(snapshots, damaged, text, source, tags);
}

}  // namespace

ExitCode run_command(const PinArguments& arguments, CommandContext& context) {
    const std::unique_ptr<Repository> repository = open_for(arguments.source, context);
    const SnapshotSummary snapshot =
        chosen(*repository, arguments.snapshot, arguments.source, arguments.tags, context);
    PinOptions options;
    options.reason = arguments.reason.value_or("");
    options.wait = arguments.wait.value_or(kWaitDefault);
    Progress progress;
    pin(*repository, snapshot, options, context.engine(progress), context.stop);
    context.log.info("pinned a snapshot", {{"snapshot", snapshot.id}, {"reason", options.reason}});
    if (context.output.is_json()) {
        context.output.document({{"snapshot", snapshot.id},
                                 {"source", snapshot.source_name},
                                 {"reason", options.reason}});
    } else if (!context.globals.is_quiet) {
        context.output.text(fmt::format("pinned {} of {}, {}\n", snapshot.id.substr(0, 8),
                                        printable(snapshot.source_name),
                                        local_time_text(snapshot.begun_at)));
    }
    return ExitCode::success;
}

ExitCode run_command(const UnpinArguments& arguments, CommandContext& context) {
    const std::unique_ptr<Repository> repository = open_for(arguments.source, context);
    const SnapshotSummary snapshot =
        chosen(*repository, arguments.snapshot, arguments.source, {}, context);
    Progress progress;
    const std::size_t ended =
        unpin(*repository, snapshot.id, context.engine(progress), context.stop);
    context.log.info("unpinned a snapshot",
                     {{"snapshot", snapshot.id}, {"pins", std::to_string(ended)}});
    if (context.output.is_json()) {
        context.output.document(
            {{"snapshot", snapshot.id}, {"source", snapshot.source_name}, {"pins_ended", ended}});
    } else if (!context.globals.is_quiet) {
        context.output.text(
            ended == 0
                ? fmt::format("{} was not pinned\n", snapshot.id.substr(0, 8))
                : fmt::format("ended {} of {}\n", counted(ended, "pin"), snapshot.id.substr(0, 8)));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
