#include "base/error.hpp"
#include "engine/archive_assembly.hpp"
#include "engine/archive_output.hpp"
#include "engine/database_choice.hpp"
#include "engine/removed_snapshot.hpp"
#include "engine/stored_stream.hpp"
#include "repository/chunk_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::size_t kNamesShownMax = 10;

std::vector<const StreamContents*> chosen_streams(const Manifest& manifest,
                                                  const std::optional<std::string>& database) {
    std::vector<const StreamContents*> chosen;
    std::vector<std::string> names;
    for (const StreamContents& stream : manifest.streams) {
        names.push_back(stream.stream.name);
        if (!database || stream.stream.name == *database) {
            chosen.push_back(&stream);
        }
    }
    if (chosen.empty()) {
        const std::size_t more = names.size() - std::min(names.size(), kNamesShownMax);
        names.resize(names.size() - more);
        throw explained<ConfigError>(
            fmt::format("the snapshot has no database {}", database.value_or("")),
            are_several_databases(manifest.details.summary.type, manifest.details.streams)
                ? fmt::format("It has: {}{}.", fmt::join(names, ", "), more > 0 ? " …" : "")
                : "It is of one database: leave --database out.",
            "database_unknown");
    }
    return chosen;
}

ArchiveManifest manifest_of(const SnapshotDetails& details) {
    ArchiveManifest manifest;
    manifest.source_name = details.summary.source_name;
    manifest.type = details.summary.type;
    manifest.server_version = details.server_version;
    manifest.taken_at = details.summary.begun_at;
    manifest.snapshot_id = details.summary.id;
    manifest.tags = details.summary.tags;
    return manifest;
}

/// What the connector makes of the snapshot.
ArchiveContents export_by_connector(Repository& repository, const Manifest& manifest,
                                    ArchiveMaker& maker, const std::optional<std::string>& database,
                                    const ArchiveRequest& request, ByteSink& sink,
                                    const Context& context, std::stop_token stop) {
    const SnapshotDetails& details = manifest.details;
    context.progress.bytes_total = details.summary.bytes_source;
    context.progress.phase = Phase::writing;
    ChunkReader reader(repository, Elsewhere::any_pack);
    std::optional<StoredStreamReader> stored;
    const std::function<StreamReader&(std::size_t)> open = [&](std::size_t index) -> StreamReader& {
        return stored.emplace(manifest.streams.at(index), reader, repository.keys().fingerprinter(),
                              request.jobs, context.progress);
    };
    ArchiveAssembly assembly(manifest_of(details), request, sink, stop);
    maker.export_files({details.streams, open, details.connector_state, details.server_version,
                        database.value_or(""), form_of(request.compression)},
                       assembly, stop);
    context.progress.phase = Phase::finishing;
    return assembly.finish();
}

ArchiveContents export_manifest(Repository& repository, const Manifest& manifest,
                                const std::optional<std::string>& database,
                                const ArchiveRequest& request, ByteSink& sink,
                                const Context& context, std::stop_token stop) {
    const std::vector<const StreamContents*> streams = chosen_streams(manifest, database);
    check_database_count(streams.size(), request.compression);
    context.progress.bytes_total = 0;
    for (const StreamContents* stream : streams) {
        context.progress.bytes_total += stream->stream.size_bytes;
    }
    context.progress.phase = Phase::writing;
    ChunkReader reader(repository, Elsewhere::any_pack);
    ArchiveAssembly assembly(manifest_of(manifest.details), request, sink, stop);
    for (const StreamContents* stream : streams) {
        StoredStreamReader stored(*stream, reader, repository.keys().fingerprinter(), request.jobs,
                                  context.progress);
        assembly.begin(stream->stream.name);
        stored.read_in_order([&assembly](BytesView bytes) { assembly.write(bytes); }, stop);
        assembly.end();
    }
    context.progress.phase = Phase::finishing;
    return assembly.finish();
}

}  // namespace

ArchiveContents export_snapshot(Repository& repository, const SnapshotId& snapshot,
                                Connector& connector, const std::optional<std::string>& database,
                                const ArchiveRequest& request, ByteSink& sink,
                                const Context& context, std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    const std::unique_ptr<Manifest> manifest = repository.manifest(snapshot, stop);
    ArchiveContents contents;
    try {
        auto* const maker = dynamic_cast<ArchiveMaker*>(&connector);
        contents = maker == nullptr ? export_manifest(repository, *manifest, database, request,
                                                      sink, context, stop)
                                    : export_by_connector(repository, *manifest, *maker, database,
                                                          request, sink, context, stop);
    } catch (const CorruptionError&) {
        throw_if_removed(repository, manifest->details.summary, stop);
        throw;
    }
    contents.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return contents;
}

}  // namespace dbbackup
