/// @file
/// `db-backup export`: a snapshot as one ordinary file.

#include "cli/archive_report.hpp"
#include "cli/archive_target.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/source_access.hpp"
#include "engine/snapshot_choice.hpp"
#include "repository/version.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> warnings_of(const SnapshotSummary& snapshot,
                                     const std::vector<SnapshotSummary>& snapshots) {
    std::vector<std::string> warnings;
    if (snapshot.is_incomplete) {
        warnings.push_back(fmt::format(
            "snapshot {} is incomplete: db-backup show tells what was left out", snapshot.id));
    }
    if (doubtful_snapshots(snapshots).contains(snapshot.id)) {
        warnings.push_back(fmt::format("snapshot {} is doubtful: {}", snapshot.id, kDoubtfulText));
    }
    return warnings;
}

}  // namespace

ExitCode run_command(const ExportArguments& arguments, CommandContext& context) {
    const std::string& output = arguments.output.value();
    ArchiveRequest request;
    request.compression = archive_compression(arguments.compression, output, std::nullopt);
    request.jobs = chosen_jobs(arguments.jobs);
    request.tool = fmt::format("db-backup {}", kProgramVersion);
    const RepositoryChoice choice =
        choose_repository(context, repository_of_source(arguments.source, context.config()));
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    const auto [snapshots, damaged] = read_snapshots(*repository, context);
    const SnapshotSummary snapshot = choose_tagged_snapshot(snapshots, damaged, arguments.snapshot,
                                                            arguments.source, arguments.tags);
    const std::unique_ptr<ArchiveTarget> target = open_archive_target(output, choice.url, context);
    SourceOptions source;
    source.type = snapshot.type;
    const std::unique_ptr<Connector> connector = make_connector(std::move(source), context.plugins);
    ArchiveContents contents;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("exporting " + snapshot.source_name),
                                context.errors, context.log);
        contents = export_snapshot(*repository, snapshot.id, *connector, arguments.database,
                                   request, *target, context.engine(progress), context.stop);
    }
    const WrittenArchive written = target->commit();
    context.is_done = true;
    context.log.info("exported a snapshot", {{"snapshot", snapshot.id},
                                             {"source", snapshot.source_name},
                                             {"output", written.place},
                                             {"bytes", std::to_string(written.size_bytes)}});
    const std::vector<std::string> warnings = warnings_of(snapshot, snapshots);
    for (const std::string& warning : warnings) {
        context.errors.line("db-backup: warning: " + printable(warning));
    }
    if (context.output.is_json()) {
        context.output.document({{"snapshot", snapshot.id},
                                 {"source", snapshot.source_name},
                                 {"type", word_of(snapshot.type)},
                                 {"bytes_source", contents.size_bytes},
                                 {"archive", archive_json(contents, written, request.compression)},
                                 {"duration_s", contents.duration_s},
                                 {"warnings", warnings}});
    } else {
        print_archive_text(
            fmt::format("exported snapshot {} of {}, {}, to {}\n", snapshot.id.substr(0, 8),
                        printable(snapshot.source_name), local_time_text(snapshot.begun_at),
                        written.place == "-" ? "standard output" : printable(written.place)) +
                aligned_fields(archive_fields(contents, written, request.compression),
                               context.terminal),
            written, context);
    }
    return ExitCode::success;
}

}  // namespace dbbackup
