/// @file
/// `db-backup show`: everything that a snapshot says about itself.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_remarks.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/source_access.hpp"
#include "cli/table.hpp"
#include "cli/table_list.hpp"
#include "engine/snapshot_choice.hpp"
#include "engine/snapshot_tables.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

std::vector<Field> fields_of(const SnapshotDetails& details, const SnapshotRemarks& remarks) {
    const SnapshotSummary& summary = details.summary;
    const auto duration = std::chrono::duration<double>(summary.ended_at - summary.begun_at);
    std::vector<Field> fields = {
        {"source", summary.source_name},
        {"type", std::string(word_of(summary.type))},
        {"identity", summary.identity},
        {"time",
         fmt::format("{} ({})", local_time_text(summary.begun_at), format_duration(duration))},
        {"sequence", std::to_string(summary.sequence)},
        {"mode",
         fmt::format("{}{}", word_of(summary.mode),
                     summary.mode == summary.requested_mode
                         ? ""
                         : fmt::format(" ({} was asked for)", word_of(summary.requested_mode)))},
        {"parent", summary.parent.value_or("none")},
        {"predecessor", details.predecessor.value_or("none")},
        {"method", details.method},
        {"capture",
         fmt::format("{} ({})", capture_name(summary.capture), capture_text(summary.capture))},
    };
    const auto add_if_set = [&fields](const char* name, const std::string& value) {
        if (!value.empty()) {
            fields.emplace_back(name, value);
        }
    };
    add_if_set("reason", details.reason);
    add_if_set("position", position_text(details.position));
    add_if_set("position of", details.position.source_id);
    fields.emplace_back("consistency", consistency_name(summary.consistency));
    if (summary.is_incomplete) {
        fields.emplace_back("incomplete", "yes: something was left out, see the warnings");
    }
    fields.emplace_back("source size", format_size(summary.bytes_source));
    fields.emplace_back("read", format_size(summary.bytes_read));
    fields.emplace_back("stored", format_size(summary.bytes_added));
    fields.emplace_back("chunks", chunks_text(summary));
    if (summary.rows) {
        fields.emplace_back("rows", count_text(*summary.rows));
    }
    add_if_set("tags", tags_text(summary.tags));
    if (const auto pinned = remarks.pinned.find(summary.id); pinned != remarks.pinned.end()) {
        fields.emplace_back("pinned", pinned->second);
    }
    if (summary.origin) {
        fields.emplace_back("copy of", fmt::format("{} in repository {}", summary.origin->snapshot,
                                                   summary.origin->repository));
    }
    add_if_set("server", details.server_version);
    fields.emplace_back("taken by",
                        fmt::format("db-backup {} on {}", details.program_version, details.host));
    return fields;
}

/// Nothing where there is no parent, or it is gone or damaged: then nothing is said of growth.
std::optional<SnapshotDetails> parent_of(const SnapshotSummary& snapshot,
                                         const std::vector<SnapshotSummary>& snapshots,
                                         Repository& repository, CommandContext& context) {
    const auto is_parent = [&](const SnapshotSummary& each) { return each.id == snapshot.parent; };
    if (!snapshot.parent || std::ranges::none_of(snapshots, is_parent)) {
        return std::nullopt;
    }
    try {
        return repository.details(*snapshot.parent, context.stop);
    } catch (const RepositoryError& error) {
        context.log.warning("the parent snapshot cannot be read", {{"error", error.what()}});
        return std::nullopt;
    }
}

std::string growth_text(const StoredStream& stream, const std::optional<SnapshotDetails>& parent) {
    if (!parent) {
        return "";
    }
    const StoredStream* const before = stream_named(*parent, stream.name);
    if (before == nullptr) {
        return "new";
    }
    return difference_text(stream.size_bytes, before->size_bytes);
}

std::string streams_text(const SnapshotDetails& details,
                         const std::optional<SnapshotDetails>& parent, const Terminal& terminal) {
    Table table({{"STREAM", Align::left, true, 0},
                 {"SIZE", Align::right, false, 1},
                 {"GROWTH", Align::right, false, 2},
                 {"STORED", Align::right, false, 2},
                 {"ROWS", Align::right, false, 2},
                 {"PAGE", Align::right, false, 4},
                 {"CONSISTENCY", Align::left, false, 3},
                 {"FINGERPRINT", Align::left, true, 5}});
    for (std::size_t index = 0; index < details.streams.size(); ++index) {
        const StoredStream& stream = details.streams[index];
        const Consistency consistency = index < details.stream_consistency.size()
                                            ? details.stream_consistency[index]
                                            : details.summary.consistency;
        const StoredCounts* const counts = stored_counts(details, index);
        table.add({stream.name, format_size(stream.size_bytes), growth_text(stream, parent),
                   counts != nullptr ? format_size(counts->bytes) : "",
                   stream.kind == StreamKind::rows ? count_text(stream.row_count) : "",
                   stream.kind == StreamKind::pages ? format_size(stream.page_bytes) : "",
                   std::string(consistency_name(consistency)), stream.fingerprint.text()});
    }
    return table.is_empty() ? std::string() : "\n" + table.text(terminal);
}

/// Nothing unless they are asked for. What cannot be told of them is said on stderr at once.
std::optional<SnapshotTables> read_tables(const ShowArguments& arguments,
                                          const SnapshotSummary& snapshot,
                                          const std::optional<SnapshotDetails>& parent,
                                          Repository& repository, CommandContext& context) {
    if (!arguments.has_tables) {
        return std::nullopt;
    }
    const NameSelection names = NameSelection::parse(arguments.include, arguments.exclude);
    SourceOptions options;
    options.type = snapshot.type;
    const std::unique_ptr<Connector> connector =
        make_connector(std::move(options), context.plugins);
    SnapshotTables found;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("looking at tables"), context.errors,
                                context.log);
        found = snapshot_tables(repository, snapshot.id,
                                parent ? std::optional(parent->summary.id) : std::nullopt,
                                *connector, names, context.engine(progress), context.stop);
    }
    context.log.info("looked at the tables of a snapshot",
                     {{"snapshot", snapshot.id},
                      {"tables", std::to_string(found.tables.size())},
                      {"bytes_fetched", std::to_string(found.bytes_fetched)}});
    for (const std::string& warning : found.warnings) {
        context.errors.line("db-backup: warning: " + printable(warning));
    }
    return found;
}

/// What cannot be told is a failure, as whoever asks counts on all of it.
ExitCode exit_code_of(const std::optional<SnapshotTables>& tables) {
    if (!tables || !tables->fault) {
        return ExitCode::success;
    }
    return *tables->fault == Fault::repository ? ExitCode::corruption : ExitCode::source;
}

}  // namespace

ExitCode run_command(const ShowArguments& arguments, CommandContext& context) {
    const std::unique_ptr<Repository> repository = open_repository(
        choose_repository(context, repository_of_source(arguments.source, context.config())),
        context);
    const auto [snapshots, damaged] = read_snapshots(*repository, context);
    const SnapshotSummary chosen = choose_tagged_snapshot(snapshots, damaged, arguments.snapshot,
                                                          arguments.source, arguments.tags);
    const SnapshotDetails details = repository->details(chosen.id, context.stop);
    const std::optional<SnapshotDetails> parent =
        parent_of(chosen, snapshots, *repository, context);
    const SnapshotRemarks remarks = read_remarks(*repository, snapshots, context);
    const std::optional<SnapshotTables> tables =
        read_tables(arguments, chosen, parent, *repository, context);
    if (context.output.is_json()) {
        nlohmann::ordered_json document = details_json(details, parent, remarks);
        if (tables) {
            document["tables"] = tables_json(*tables);
        }
        context.output.document(document);
        return exit_code_of(tables);
    }
    std::string text = fmt::format("snapshot {}\n", details.summary.id) +
                       aligned_fields(fields_of(details, remarks), context.terminal);
    if (remarks.doubtful.contains(chosen.id)) {
        text += fmt::format("  warning: {}\n", kDoubtfulText);
    }
    for (const std::string& warning : details.warnings) {
        text += "  warning: " + printable(warning) + "\n";
    }
    text += streams_text(details, parent, context.terminal);
    if (tables) {
        text += tables_text(*tables, context.terminal);
    }
    context.output.text(text);
    return exit_code_of(tables);
}

}  // namespace dbbackup
