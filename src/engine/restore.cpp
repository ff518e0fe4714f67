#include "engine/restore.hpp"

#include "base/error.hpp"
#include "engine/stored_stream.hpp"

#include <fmt/format.h>

namespace dbbackup {

RestoreOutcome restore(Repository& repository, const SnapshotId& snapshot, Connector& connector,
                       const RestoreOptions& options, const Context& context,
                       std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    const std::unique_ptr<Manifest> manifest = repository.manifest(snapshot, stop);
    RestoreOutcome outcome;
    outcome.snapshot = manifest->details.summary;
    RestoreRequest request;
    request.target = options.target;
    request.overwrite = options.overwrite;
    request.verify = options.verify;
    request.source_bytes = manifest->details.summary.bytes_source;
    request.server_version = manifest->details.server_version;
    request.state = manifest->details.connector_state;
    request.source_identity = manifest->details.summary.identity;
    const std::unique_ptr<RestoreSession> session =
        connector.restore(request, manifest->details.streams, stop);
    outcome.plan = session->plan();
    if (!options.is_dry_run) {
        context.progress.bytes_total = request.source_bytes;
        context.progress.phase = Phase::writing;
        ChunkReader reader(repository.storage(), repository.keys());
        for (const StreamContents& stream : manifest->streams) {
            StoredStreamReader stored(stream, reader, repository.keys().fingerprinter(),
                                      options.jobs, context.progress);
            session->apply(stored, stop);
        }
        context.progress.phase = options.verify ? Phase::verifying : Phase::finishing;
        outcome.report = session->finish(repository.keys().fingerprinter(), stop);
    }
    outcome.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return outcome;
}

}  // namespace dbbackup
