#include "cli/archive_backup.hpp"

#include "cli/archive_report.hpp"
#include "cli/archive_target.hpp"
#include "cli/backup_report.hpp"
#include "cli/display_text.hpp"
#include "engine/archive_output.hpp"
#include "repository/version.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace dbbackup {
namespace {

struct Made {
    SourceArchive archive;
    WrittenArchive written;
};

Made make_archive(const BackupArguments& arguments, const SourceChoice& source,
                  const BackupOptions& options, const ArchiveRequest& request,
                  CommandContext& context) {
    const std::unique_ptr<Connector> connector =
        make_connector(source_options(source, arguments, context), context.plugins);
    const std::unique_ptr<ArchiveTarget> target =
        open_archive_target(arguments.output.value(), "", context);
    Made made;
    {
        Progress progress;
        const ProgressLine line(
            progress, context.progress("backing up " + options.source_name.value_or("the source")),
            context.errors, context.log);
        made.archive = archive_source(*connector, options, request, *target,
                                      context.engine(progress), context.stop);
    }
    made.written = target->commit();
    made.archive.report.snapshot.summary.bytes_added = made.written.size_bytes;
    return made;
}

void check_archive_only(const CommandContext& context) {
    if (context.globals.repository) {
        throw explained<ConfigError>(
            "--repository and --format archive exclude each other",
            "Take a snapshot, and make the archive of it with db-backup export.", "usage");
    }
}

}  // namespace

ExitCode archive_backup(const BackupArguments& arguments, const SourceChoice& source,
                        const BackupOptions& options, const Hooks& hooks, CommandContext& context) {
    check_archive_only(context);
    ArchiveRequest request;
    request.compression =
        archive_compression(arguments.compression, arguments.output.value(),
                            source.config != nullptr ? source.config->compression : std::nullopt);
    request.jobs = options.jobs;
    request.tool = fmt::format("db-backup {}", kProgramVersion);
    context.left_by_stop = "Nothing is left of the archive.";
    Made made;
    try {
        hooks.before();
        made = make_archive(arguments, source, options, request, context);
    } catch (...) {
        hooks.on_error();
        throw;
    }
    context.is_done = true;
    auto& [archive, written] = made;
    SnapshotDetails& details = archive.report.snapshot;
    ExitCode code = details.summary.is_incomplete ? ExitCode::incomplete : ExitCode::success;
    context.log.info("made an archive", {{"source", details.summary.source_name},
                                         {"output", written.place},
                                         {"bytes", std::to_string(written.size_bytes)}});
    if (std::optional<std::string> problem = hooks.after(archive.report, written.place, code)) {
        details.warnings.push_back(std::move(*problem));
        code = ExitCode::incomplete;
    }
    for (const std::string& warning : details.warnings) {
        context.errors.line("db-backup: warning: " + printable(warning));
    }
    if (context.output.is_json()) {
        nlohmann::ordered_json document = report_json(archive.report, options, "");
        document["archive"] = archive_json(archive.contents, written, request.compression);
        context.output.document(document);
    } else {
        print_archive_text(
            fmt::format("archive of {} in {}\n", printable(details.summary.source_name),
                        written.place == "-" ? "standard output" : printable(written.place)) +
                aligned_fields(archive_fields(archive.contents, written, request.compression),
                               context.terminal),
            written, context);
    }
    return code;
}

}  // namespace dbbackup
