#include "engine/backup.hpp"

#include "base/error.hpp"
#include "engine/sample.hpp"
#include "engine/strategy.hpp"
#include "engine/stream_writer.hpp"
#include "repository/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// A run that a collector gave up starts over; twice in a row means that something else is wrong.
constexpr int kAttemptsMax = 3;

/// A part that would have been skipped is not what the parent holds: everything must be read.
class SkippedPartDiffers final : public std::exception {
public:
    explicit SkippedPartDiffers(Mismatch mismatch) : mismatch_(std::move(mismatch)) {}
    [[nodiscard]] const Mismatch& mismatch() const noexcept { return mismatch_; }
    [[nodiscard]] const char* what() const noexcept override { return "a skipped part differs"; }

private:
    Mismatch mismatch_;
};

/// Everything that is known before the first byte is read.
struct Preparation {
    Probe probe;
    std::string source_name;
    SourceId source_id;
    Strategy strategy;
    std::unique_ptr<Manifest> parent;  ///< Null for a full.
    std::string predecessor_digest;
    BackupRequest request;
    std::string fallback_reason;        ///< Why the change record cannot be used; empty if it can.
    std::vector<SnapshotSummary> own;   ///< This source's snapshots, by sequence.
    std::vector<std::string> warnings;  ///< For the manifest.
    std::vector<SnapshotId> doubtful;
};

/// A name belongs to whoever has a snapshot under it.
void refuse_taken_name(const std::vector<SnapshotSummary>& snapshots, const Preparation& ready) {
    for (const SnapshotSummary& snapshot : snapshots) {
        if (snapshot.source_name == ready.source_name && snapshot.source_id != ready.source_id) {
            throw explained<ConfigError>(
                fmt::format("the source name '{}' belongs to {} in this repository, not to {}",
                            ready.source_name, snapshot.identity, ready.probe.identity),
                "Give this source a name of its own with --source-name.", "source_name_taken");
        }
    }
}

/// A source keeps the name it got first, unless the user gives another one.
std::string name_of(const std::vector<SnapshotSummary>& own, const BackupOptions& options,
                    const Probe& probe) {
    if (options.source_name) {
        return *options.source_name;
    }
    return own.empty() ? probe.suggested_name : own.back().source_name;
}

Parent parent_of(const Manifest& manifest) {
    Parent parent{manifest.details.position, manifest.details.connector_state, {}};
    for (const StreamContents& stream : manifest.streams) {
        parent.streams.push_back({stream.stream.name,
                                  stream.stream.kind,
                                  stream.stream.page_bytes,
                                  stream.stream.size_bytes,
                                  stream.stream.definition,
                                  {}});
    }
    return parent;
}

void add_row_ranges(Parent& parent, const Manifest& manifest, ChunkReader& reader,
                    std::stop_token stop) {
    for (std::size_t index = 0; index < manifest.streams.size(); ++index) {
        if (parent.streams[index].kind == StreamKind::pages) {
            continue;
        }
        SegmentLists lists(manifest.streams[index], reader);
        for (std::size_t list = 0; list < lists.count(); ++list) {
            for (const StoredSegment& segment : lists.list(list, stop)) {
                parent.streams[index].segments.push_back(segment.range);
            }
        }
    }
}

void refuse_unwanted_fallback(const BackupOptions& options, const std::string& reason) {
    if (options.fallback == Fallback::refused) {
        throw explained<SourceError>(
            fmt::format("the backup cannot build upon the parent snapshot: {}", reason),
            "Run without --no-fallback to read everything once.", "fallback_refused");
    }
}

void load_parent(Repository& repository, const BackupOptions& options, Preparation& ready,
                 const Context& context, std::stop_token stop) {
    if (ready.strategy.predecessor) {
        try {
            const std::unique_ptr<Manifest> newest =
                repository.manifest(ready.strategy.predecessor->id, stop);
            ready.predecessor_digest = to_hex(newest->object_digest);
        } catch (const CorruptionError& error) {
            context.log.warning(
                "the newest snapshot is damaged",
                {{"snapshot", ready.strategy.predecessor->id}, {"error", error.what()}});
        }
    }
    if (!ready.strategy.parent) {
        return;
    }
    try {
        ready.parent = repository.manifest(ready.strategy.parent->id, stop);
        ready.request.parent = parent_of(*ready.parent);
        ChunkReader reader(repository.storage(), repository.keys());
        add_row_ranges(*ready.request.parent, *ready.parent, reader, stop);
    } catch (const CorruptionError& error) {
        // The user's data comes first: a damaged parent must not stop new backups.
        context.log.warning("the parent snapshot is damaged, so a full is taken",
                            {{"parent", ready.strategy.parent->id}, {"error", error.what()}});
        ready.strategy.reason =
            fmt::format("the parent snapshot {} is damaged", ready.strategy.parent->id);
        refuse_unwanted_fallback(options, ready.strategy.reason);
        ready.warnings.push_back(
            fmt::format("{}, so a full was taken: {}", ready.strategy.reason, error.what()));
        ready.strategy.mode = BackupMode::full;
        ready.strategy.parent.reset();
        ready.request.parent.reset();
        ready.parent.reset();
    }
}

void check_change_record(Connector& connector, const BackupOptions& options, Preparation& ready,
                         const Context& context, std::stop_token stop) {
    if (!ready.request.parent) {
        return;
    }
    const Continuity continuity = connector.check(*ready.request.parent, std::move(stop));
    if (continuity.is_continuous) {
        return;
    }
    refuse_unwanted_fallback(options,
                             "the change record does not reach back to it: " + continuity.reason);
    context.log.warning("the change record cannot be used; everything is read again",
                        {{"reason", continuity.reason}});
    ready.fallback_reason = continuity.reason;
    ready.request.must_read = true;
}

Preparation prepare(Repository& repository, Connector& connector, const BackupOptions& options,
                    const Context& context, std::stop_token stop) {
    Preparation ready;
    ready.probe = connector.probe(stop);
    ready.source_id = repository.source_id(options.type, ready.probe.identity);
    std::vector<std::string> damaged;
    const std::vector<SnapshotSummary> all = repository.snapshots(stop, &damaged);
    for (const std::string& name : damaged) {
        context.log.warning("an object is damaged and left out of account", {{"object", name}});
    }
    std::copy_if(all.begin(), all.end(), std::back_inserter(ready.own),
                 [&](const SnapshotSummary& each) { return each.source_id == ready.source_id; });
    ready.source_name = name_of(ready.own, options, ready.probe);
    refuse_taken_name(all, ready);
    ready.strategy = choose_strategy(options.mode, ready.own);
    ready.request.jobs = options.jobs;
    ready.request.is_native = options.is_native;
    load_parent(repository, options, ready, context, stop);
    check_change_record(connector, options, ready, context, stop);
    return ready;
}

SealOptions seal_options(const BackupOptions& options, const Strategy& strategy) {
    SealOptions seal;
    seal.compression = options.compression;
    const bool is_full = strategy.mode == BackupMode::full;
    seal.held_as = is_full ? HeldAs::whole_only : HeldAs::whole_or_delta;
    seal.makes_deltas = !is_full && options.delta != DeltaPolicy::never;
    return seal;
}

const StreamContents* parent_stream(const Manifest* parent, const std::string& name) {
    if (parent == nullptr) {
        return nullptr;
    }
    for (const StreamContents& stream : parent->streams) {
        if (stream.stream.name == name) {
            return &stream;
        }
    }
    return nullptr;
}

std::uint64_t planned_bytes(const std::vector<StreamPlan>& plans) {
    std::uint64_t bytes = 0;
    for (const StreamPlan& plan : plans) {
        for (const SegmentPlan& segment : plan.segments) {
            bytes += segment.action == SegmentAction::read
                         ? segment.range.page_count * plan.page_bytes
                         : 0;
        }
    }
    return bytes;
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
    }
    if (has_rows) {
        summary.rows = rows;
    }
}

void refuse_skipping(const std::vector<StreamPlan>& plans) {
    for (const StreamPlan& plan : plans) {
        for (const SegmentPlan& segment : plan.segments) {
            if (segment.action != SegmentAction::read) {
                throw Error("the connector planned to skip what must be read");
            }
        }
    }
}

/// @throws SkippedPartDiffers.
void check_skipped_parts(const std::vector<StreamPlan>& plans, const Preparation& ready,
                         Session& session, BackupRun& run, std::stop_token stop) {
    if (ready.request.must_read) {
        refuse_skipping(plans);
    }
    if (!ready.parent) {
        return;
    }
    const std::vector<Sample> samples = choose_samples(plans, ready.strategy.sequence);
    if (std::optional<Mismatch> mismatch =
            compare_samples(samples, plans, *ready.parent, session, run, std::move(stop))) {
        throw SkippedPartDiffers(std::move(*mismatch));
    }
}

/// What the next attempt must know of a part that differs.
void distrust_signs(const Mismatch& mismatch, const BackupOptions& options, Preparation& ready,
                    const Context& context) {
    ready.fallback_reason =
        fmt::format("{} changed, and no sign of a change was seen", mismatch.what);
    refuse_unwanted_fallback(options, ready.fallback_reason);
    ready.request.must_read = true;
    std::string ids;
    for (const SnapshotSummary& snapshot : ready.own) {
        if (snapshot.sequence > mismatch.read_sequence) {
            ready.doubtful.push_back(snapshot.id);
            ids += (ids.empty() ? "" : ", ") + snapshot.id;
        }
    }
    ready.warnings.push_back(fmt::format(
        "{}. Something wrote to the database past the signs of a change that are relied on, or its "
        "disk is failing. This snapshot was read whole; these may hold older data than they say: "
        "{}",
        ready.fallback_reason, ids.empty() ? "none" : ids));
    context.log.error(ready.warnings.back());
}

/// Reads the source and commits. @throws RunGivenUp, SkippedPartDiffers: nothing was committed.
BackupReport run(Repository& repository, Connector& connector, const BackupOptions& options,
                 const Preparation& ready, const Context& context, std::stop_token stop) {
    BackupReport report;
    Manifest manifest;
    manifest.details.summary.begun_at = context.clock.now();
    // Announced before anything is read (docs/protocol.md, "Writing a snapshot").
    SnapshotWriter writer(repository, context.clock, "backup", ready.source_id, stop);
    ChunkReader reader(repository.storage(), repository.keys());
    SealCounts counts;
    BackupRun shared{repository,
                     writer,
                     reader,
                     seal_options(options, ready.strategy),
                     counts,
                     options.jobs,
                     ready.strategy.sequence,
                     context};

    const std::unique_ptr<Session> session = connector.begin(ready.request, stop);
    const std::vector<StreamPlan> plans = session->plan();
    check_skipped_parts(plans, ready, *session, shared, stop);
    context.progress.bytes_total = planned_bytes(plans);
    context.progress.phase = Phase::reading;
    std::vector<std::unique_ptr<StreamWriter>> streams;
    for (const StreamPlan& plan : plans) {
        streams.push_back(std::make_unique<StreamWriter>(
            shared, plan, parent_stream(ready.parent.get(), plan.name), stop));
        for (const SegmentPlan& segment : plan.segments) {
            streams.back()->write(*session, segment);
        }
        streams.back()->finish_reading();
    }
    const SessionEnd end = session->finish(stop);
    context.progress.phase = Phase::finishing;
    writer.flush();
    for (const std::unique_ptr<StreamWriter>& stream : streams) {
        manifest.streams.push_back(stream->finish());
    }
    describe(ready, options, *session, end, shared.fallback_reason, manifest);
    manifest.details.warnings.insert(manifest.details.warnings.end(), shared.warnings.begin(),
                                     shared.warnings.end());
    sum_up(counts, manifest);
    writer.commit(manifest);
    report.snapshot = std::move(manifest.details);
    report.writers_waited = end.writers_waited;
    return report;
}

BackupReport rehearse(Connector& connector, const BackupOptions& options, const Preparation& ready,
                      std::stop_token stop) {
    BackupReport report;
    const std::unique_ptr<Session> session = connector.begin(ready.request, stop);
    for (const StreamPlan& plan : session->plan()) {
        for (const SegmentPlan& segment : plan.segments) {
            ++(segment.action == SegmentAction::reuse ? report.segments_to_reuse
                                                      : report.segments_to_read);
        }
    }
    Manifest manifest;
    describe(ready, options, *session, {}, "", manifest);
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
    for (int attempt = 1;; ++attempt) {
        Preparation ready = prepare(repository, connector, options, context, stop);
        if (mismatch) {
            distrust_signs(*mismatch, options, ready, context);
        }
        if (options.is_dry_run) {
            report = rehearse(connector, options, ready, stop);
            break;
        }
        try {
            report = run(repository, connector, options, ready, context, stop);
            break;
        } catch (const RunGivenUp& error) {
            if (attempt == kAttemptsMax) {
                throw;
            }
            context.log.warning("the run was given up by a collector; starting over",
                                {{"error", error.what()}});
        } catch (const SkippedPartDiffers& difference) {
            mismatch = difference.mismatch();
        }
    }
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
