#include "engine/backup.hpp"

#include "base/error.hpp"
#include "engine/backup_preparation.hpp"
#include "engine/backup_views.hpp"
#include "engine/run_attempts.hpp"
#include "engine/throttled_session.hpp"
#include "repository/manifest.hpp"
#include "sys/batch_thread.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

SealOptions seal_options(const BackupOptions& options, const Strategy& strategy) {
    SealOptions seal;
    seal.compression = options.compression;
    const bool is_full = strategy.mode == BackupMode::full;
    seal.held_as = is_full ? HeldAs::whole_only : HeldAs::whole_or_delta;
    seal.makes_deltas = !is_full && options.delta != DeltaPolicy::never;
    return seal;
}

/// Fills in what the manifest says beside data.
/// @param fallback_reason Why the engine itself read what could have been skipped, or empty.
void describe(const Preparation& ready, const BackupOptions& options, const Session& session,
              const SessionEnd& end, const std::string& fallback_reason, Manifest& manifest) {
    SnapshotDetails& details = manifest.details;
    SnapshotSummary& summary = details.summary;
    summary.source_id = ready.source_id;
    summary.source_name = ready.source_name;
    summary.type = options.type;
    summary.identity = ready.probe.identity;
    summary.sequence = ready.strategy.sequence;
    summary.mode = ready.strategy.mode;
    summary.requested_mode = options.mode;
    if (ready.strategy.parent) {
        summary.parent = ready.strategy.parent->id;
    }
    summary.bytes_read = end.bytes_read;
    const bool is_reread = ready.request.must_read || !fallback_reason.empty();
    summary.capture = is_reread ? Capture::reread : session.capture();
    summary.consistency = end.consistency;
    summary.is_incomplete = end.is_incomplete;
    summary.tags = options.tags;
    summary.doubtful = ready.doubtful;
    details.method =
        fmt::format("{}-{}", word_of(options.type), options.is_native ? "native" : "auto");
    details.reason = !ready.strategy.reason.empty()   ? ready.strategy.reason
                     : !ready.fallback_reason.empty() ? ready.fallback_reason
                     : !fallback_reason.empty()       ? fallback_reason
                                                      : session.reason();
    details.server_version = ready.probe.server_version;
    details.position = end.position;
    details.connector_state = end.state;
    details.warnings = ready.warnings;
    details.warnings.insert(details.warnings.end(), end.warnings.begin(), end.warnings.end());
    if (ready.strategy.predecessor) {
        details.predecessor = ready.strategy.predecessor->id;
        details.predecessor_digest = ready.predecessor_digest;
    }
}

void sum_up(const SealCounts& counts, Manifest& manifest) {
    SnapshotSummary& summary = manifest.details.summary;
    summary.chunks_new = counts.stored_whole;
    summary.chunks_delta = counts.stored_delta;
    summary.chunks_reused = counts.reused;
    std::uint64_t rows = 0;
    bool has_rows = false;
    for (const StreamContents& stream : manifest.streams) {
        summary.bytes_source += stream.stream.size_bytes;
        rows += stream.stream.row_count;
        has_rows = has_rows || stream.stream.kind == StreamKind::rows;
        manifest.details.streams.push_back(stream.stream);
        manifest.details.stream_consistency.push_back(stream.consistency);
        manifest.details.stream_counts.push_back(stream.counts);
    }
    if (has_rows) {
        summary.rows = rows;
    }
}

/// Reads the source and commits.
/// @param damaged Packs that an earlier attempt found.
/// @throws RunGivenUp, SkippedPartDiffers, ReferredToDamage: nothing was committed.
BackupReport run(Repository& repository, Connector& connector, const BackupOptions& options,
                 const Preparation& ready, const SnapshotWriter::DamagedPacks& damaged,
                 const Context& context, std::stop_token stop) {
    // And with it all threads and programs that read, seal and store.
    const BatchThread batch;
    BackupReport report;
    Manifest manifest;
    manifest.details.summary.begun_at = context.clock.now();
    // Announced before anything is read (docs/protocol.md, "Writing a snapshot").
    SnapshotWriter writer(repository, context.clock, "backup", ready.source_id, stop);
    writer.distrust(damaged);
    ChunkReader reader(repository, Elsewhere::removed_packs);
    SealCounts counts;
    BackupRun shared{repository,
                     writer,
                     reader,
                     seal_options(options, ready.strategy),
                     counts,
                     options.jobs,
                     ready.strategy.sequence,
                     context,
                     options.fallback};

    const std::unique_ptr<Session> session =
        throttled(connector.begin(ready.request, stop), options.read_bytes_per_s);
    ReadViews views(*session, ready, shared, stop);
    check_referred_packs(writer, repository, ready.strategy.mode);
    context.progress.phase = Phase::finishing;
    writer.flush();
    manifest.streams = views.finish();
    const SessionEnd& end = views.end();
    const RunNotes notes = shared.notes.with([](const RunNotes& all) { return all; });
    describe(ready, options, *session, end, notes.fallback_reason, manifest);
    manifest.details.warnings.insert(manifest.details.warnings.end(), notes.warnings.begin(),
                                     notes.warnings.end());
    sum_up(counts, manifest);
    writer.commit(manifest);
    report.snapshot = std::move(manifest.details);
    report.writers_waited = end.writers_waited;
    return report;
}

BackupReport rehearse(Connector& connector, const BackupOptions& options, const Preparation& ready,
                      std::stop_token stop) {
    BackupReport report;
    const std::unique_ptr<Session> session =
        throttled(connector.begin(ready.request, stop), options.read_bytes_per_s);
    SessionEnd end;
    for (const SegmentAction action : planned_actions(*session, end.warnings)) {
        ++(action == SegmentAction::reuse ? report.segments_to_reuse : report.segments_to_read);
    }
    end.is_incomplete = !end.warnings.empty();
    Manifest manifest;
    describe(ready, options, *session, end, "", manifest);
    manifest.details.summary.bytes_source = ready.probe.source_bytes;
    report.snapshot = std::move(manifest.details);
    return report;
}

}  // namespace

BackupReport back_up(Repository& repository, Connector& connector, const BackupOptions& options,
                     const Context& context, std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    BackupReport report;
    std::optional<Mismatch> mismatch;
    RunAttempts attempts(context.log);
    for (;;) {
        attempts.begin();
        Preparation ready = prepare(repository, connector, options, context, stop);
        if (mismatch) {
            distrust_signs(*mismatch, options, ready, context);
        }
        if (options.is_dry_run) {
            report = rehearse(connector, options, ready, stop);
            break;
        }
        try {
            report = run(repository, connector, options, ready, attempts.damaged(), context, stop);
            break;
        } catch (const RunGivenUp& error) {
            attempts.note(error);
        } catch (const SkippedPartDiffers& difference) {
            mismatch = difference.mismatch();
        } catch (const ReferredToDamage& damage) {
            attempts.note(damage);
        }
    }
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
