#include "engine/restore.hpp"

#include "base/error.hpp"
#include "engine/database_choice.hpp"
#include "engine/stored_stream.hpp"
#include "repository/collector_records.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

/// Whether the snapshot was removed tells a clean end from damage.
/// @throws RepositoryError (code "snapshot_removed").
void throw_if_removed(Repository& repository, const SnapshotSummary& snapshot,
                      std::stop_token stop) {
    const CollectorRecords records =
        read_readable_records(repository.storage(), repository.keys(), std::move(stop));
    const ObjectName name = manifest_object_name(snapshot.source_id, snapshot.id);
    if (records.removed_manifests().contains(name.text())) {
        throw explained<RepositoryError>(
            fmt::format("snapshot {} was removed while it was being read", snapshot.id),
            "'db-backup list' shows the snapshots that there are now.", "snapshot_removed");
    }
}

/// In the order of the manifest.
std::vector<StoredStream> chosen_streams(const Manifest& manifest, const RestoreOptions& options) {
    std::vector<StoredStream> streams = manifest.details.streams;
    if (!options.include.empty() || !options.exclude.empty()) {
        const std::set<std::string> names = choose_databases(manifest.details.summary.type, streams,
                                                             options.include, options.exclude);
        std::erase_if(streams,
                      [&](const StoredStream& stream) { return !names.contains(stream.name); });
    }
    return streams;
}

RestoreOutcome restore_manifest(Repository& repository, const Manifest& manifest,
                                Connector& connector, const RestoreOptions& options,
                                const Context& context, std::stop_token stop) {
    RestoreOutcome outcome;
    outcome.snapshot = manifest.details.summary;
    RestoreRequest request;
    request.target = options.target;
    request.overwrite = options.overwrite;
    request.verify = options.verify;
    request.source_bytes = manifest.details.summary.bytes_source;
    request.server_version = manifest.details.server_version;
    request.state = manifest.details.connector_state;
    request.source_identity = manifest.details.summary.identity;
    const std::vector<StoredStream> streams = chosen_streams(manifest, options);
    if (streams.size() < manifest.streams.size() || !options.include.empty()) {
        request.extent = Extent::chosen;
        request.source_bytes = 0;
        for (const StoredStream& stream : streams) {
            request.source_bytes += stream.size_bytes;
        }
    }
    if (are_several_databases(outcome.snapshot.type, manifest.details.streams)) {
        for (const StoredStream& stream : streams) {
            outcome.databases.push_back(stream.name);
        }
    }
    const std::unique_ptr<RestoreSession> session = connector.restore(request, streams, stop);
    outcome.plan = session->plan();
    if (!options.is_dry_run) {
        context.progress.bytes_total = request.source_bytes;
        context.progress.phase = Phase::writing;
        ChunkReader reader(repository, Elsewhere::any_pack);
        auto next = streams.begin();
        for (const StreamContents& stream : manifest.streams) {
            if (next == streams.end() || next->name != stream.stream.name) {
                continue;
            }
            ++next;
            StoredStreamReader stored(stream, reader, repository.keys().fingerprinter(),
                                      options.jobs, context.progress);
            session->apply(stored, stop);
            session->end_stream(repository.keys().fingerprinter(), stop);
        }
        context.progress.phase = options.verify ? Phase::verifying : Phase::finishing;
        outcome.report = session->finish(repository.keys().fingerprinter(), stop);
    }
    return outcome;
}

}  // namespace

RestoreOutcome restore(Repository& repository, const SnapshotId& snapshot, Connector& connector,
                       const RestoreOptions& options, const Context& context,
                       std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    const std::unique_ptr<Manifest> manifest = repository.manifest(snapshot, stop);
    RestoreOutcome outcome;
    try {
        outcome = restore_manifest(repository, *manifest, connector, options, context, stop);
    } catch (const CorruptionError&) {
        throw_if_removed(repository, manifest->details.summary, stop);
        throw;
    }
    outcome.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return outcome;
}

}  // namespace dbbackup
