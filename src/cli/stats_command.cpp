/// @file
/// `db-backup stats`: what a repository holds and costs.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/noted_facts.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/table.hpp"
#include "engine/stats.hpp"
#include "storage/registry.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t stored_bytes(const RepositoryStats& stats) {
    return stats.pack_bytes + stats.other_bytes;
}

Json stats_json(const RepositoryStats& stats, const Repository& repository,
                const std::string& url) {
    Json sources = Json::array();
    for (const auto& [name, source] : stats.sources) {
        sources.push_back({{"source", name},
                           {"snapshots", source.snapshots},
                           {"bytes_source_newest", source.bytes_source_newest},
                           {"bytes_source_all", source.bytes_source_all},
                           {"bytes_added", source.bytes_added}});
    }
    const std::optional<StorageType> storage = StorageUrl::parse(url).type();
    return {{"repository", url},
            {"storage", storage ? Json(word_of(*storage)) : Json(nullptr)},
            {"id", repository.id()},
            {"encrypted", repository.is_encrypted()},
            {"snapshots", stats.snapshots},
            {"packs", stats.packs},
            {"pack_bytes", stats.pack_bytes},
            {"other_objects", stats.other_objects},
            {"other_bytes", stats.other_bytes},
            {"bytes_stored", stored_bytes(stats)},
            {"bytes_source_all", stats.bytes_source_all},
            {"bytes_unused", stats.bytes_unused ? Json(*stats.bytes_unused) : Json(nullptr)},
            {"bytes_only_bases",
             stats.bytes_only_bases ? Json(*stats.bytes_only_bases) : Json(nullptr)},
            {"sources", std::move(sources)}};
}

/// "12.5 times smaller": what deduplication, deltas and compression save together.
std::string saving_text(const RepositoryStats& stats) {
    if (stored_bytes(stats) == 0 || stats.bytes_source_all == 0) {
        return "";
    }
    return fmt::format(
        " ({:.1f} times what is stored)",
        static_cast<double>(stats.bytes_source_all) / static_cast<double>(stored_bytes(stats)));
}

std::string unused_text(const RepositoryStats& stats) {
    if (!stats.bytes_unused || !stats.bytes_only_bases) {
        return "not known, because something is damaged";
    }
    std::string text = fmt::format("{}, which prune can free", format_size(*stats.bytes_unused));
    if (*stats.bytes_only_bases > 0) {
        text += fmt::format("; {} more are kept only for deltas: prune --rebase",
                            format_size(*stats.bytes_only_bases));
    }
    return text;
}

std::string stats_text(const RepositoryStats& stats, const Repository& repository,
                       const std::string& url, const Terminal& terminal) {
    std::string text = aligned_fields(
        {
            {"repository", url},
            {"id", repository.id()},
            {"encrypted", repository.is_encrypted() ? "yes" : "no"},
            {"snapshots", fmt::format("{}, together {}{}", count_text(stats.snapshots),
                                      format_size(stats.bytes_source_all), saving_text(stats))},
            {"stored", format_size(stored_bytes(stats))},
            {"packs",
             fmt::format("{} with {}", count_text(stats.packs), format_size(stats.pack_bytes))},
            {"other objects", fmt::format("{} with {}", count_text(stats.other_objects),
                                          format_size(stats.other_bytes))},
            {"unused", unused_text(stats)},
        },
        terminal);
    Table table({{"SOURCE", Align::left, true, 0},
                 {"SNAPSHOTS", Align::right, false, 0},
                 {"NEWEST", Align::right, false, 2},
                 {"TOGETHER", Align::right, false, 3},
                 {"STORED", Align::right, false, 1}});
    for (const auto& [name, source] : stats.sources) {
        table.add({name, count_text(source.snapshots), format_size(source.bytes_source_newest),
                   format_size(source.bytes_source_all), format_size(source.bytes_added)});
    }
    return table.is_empty() ? text : text + "\n" + table.text(terminal);
}

}  // namespace

ExitCode run_command(const StatsArguments&, CommandContext& context) {
    const RepositoryChoice choice = choose_repository(context);
    const std::unique_ptr<Repository> repository = open_repository(choice, context);
    const std::string url = repository->storage().url();
    RepositoryStats counted;
    {
        Progress progress;
        const ProgressLine line(progress, context.progress("counting"), context.errors,
                                context.log);
        counted = stats(*repository, context.engine(progress), context.stop);
    }
    note_repository_size(choice, counted.pack_bytes, context);
    if (context.output.is_json()) {
        context.output.document(stats_json(counted, *repository, url));
    } else {
        context.output.text(stats_text(counted, *repository, url, context.terminal));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
