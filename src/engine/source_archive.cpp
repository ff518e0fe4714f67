#include "base/error.hpp"
#include "engine/archive_assembly.hpp"
#include "engine/archive_output.hpp"
#include "engine/throttled_session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// What a session reads goes straight into the archive.
class AssemblySink final : public SegmentSink {
public:
    AssemblySink(ArchiveAssembly& assembly, Progress& progress)
        : assembly_(assembly), progress_(progress) {}

    void pages(std::uint64_t /*first*/, BytesView bytes) override { add(bytes); }
    void rows(BytesView bytes, std::span<const std::uint32_t> /*row_ends*/) override { add(bytes); }
    void opaque(BytesView bytes) override { add(bytes); }

private:
    void add(BytesView bytes) {
        assembly_.write(bytes);
        progress_.bytes_done += bytes.size();
    }

    ArchiveAssembly& assembly_;
    Progress& progress_;
};

std::uint64_t planned_bytes(const std::vector<StreamPlan>& plans) {
    std::uint64_t bytes = 0;
    for (const StreamPlan& plan : plans) {
        for (const SegmentPlan& segment : plan.segments) {
            bytes += segment.range.page_count * plan.page_bytes;
        }
    }
    return bytes;
}

/// Puts all views of one session into one archive.
class SourceReading {
public:
    SourceReading(ArchiveAssembly& assembly, const Context& context, std::stop_token stop)
        : assembly_(assembly), context_(context), stop_(std::move(stop)) {}

    /// @throws SourceError also when nothing could be read.
    void read(Session& session) {
        for (std::size_t view = 0; view < session.view_count(); ++view) {
            if (view > 0) {
                session.next_view();
            }
            read_view(session);
        }
        if (databases_ == 0 && !given_up_.empty()) {
            throw explained<SourceError>(
                "nothing of the source could be read: " + given_up_.front(),
                "The log names what is wrong with each database.", "source_unreadable");
        }
        end_.is_incomplete = end_.is_incomplete || !given_up_.empty();
        end_.warnings.insert(end_.warnings.end(), given_up_.begin(), given_up_.end());
    }

    [[nodiscard]] const SessionEnd& end() const { return end_; }

private:
    void read_view(Session& session) {
        std::vector<StreamPlan> plans;
        try {
            plans = session.plan();
        } catch (const ViewGivenUp& lost) {
            context_.log.warning(lost.what());
            given_up_.emplace_back(lost.what());
            return;
        }
        context_.progress.bytes_total += planned_bytes(plans);
        try {
            for (const StreamPlan& plan : plans) {
                read_stream(session, plan);
            }
            add(session.finish(stop_));
        } catch (const ViewGivenUp& lost) {
            // Part of it is in the archive already, from where it cannot be taken back.
            throw explained<SourceError>(fmt::format("the archive is given up: {}", lost.what()),
                                         "Try again, or leave that database out with --exclude.",
                                         "source_unreadable");
        }
    }

    void read_stream(Session& session, const StreamPlan& plan) {
        AssemblySink sink(assembly_, context_.progress);
        assembly_.begin(plan.name);
        for (const SegmentPlan& segment : plan.segments) {
            session.read(plan, segment, sink, stop_);
        }
        assembly_.end();
        ++databases_;
    }

    void add(SessionEnd end) {
        end_.position = std::move(end.position);
        end_.consistency = std::max(end_.consistency, end.consistency);
        end_.warnings.insert(end_.warnings.end(), end.warnings.begin(), end.warnings.end());
        end_.is_incomplete = end_.is_incomplete || end.is_incomplete;
        end_.bytes_read += end.bytes_read;
        end_.writers_waited = std::max(end_.writers_waited, end.writers_waited);
    }

    ArchiveAssembly& assembly_;
    const Context& context_;
    std::stop_token stop_;
    SessionEnd end_;
    std::vector<std::string> given_up_;
    std::size_t databases_ = 0;
};

/// In the words of a snapshot, which this is not: it has no id.
SnapshotDetails details_of(const Probe& probe, const BackupOptions& options,
                           const ArchiveManifest& manifest, const SessionEnd& end,
                           std::uint64_t size_bytes) {
    SnapshotDetails details;
    SnapshotSummary& summary = details.summary;
    summary.source_name = manifest.source_name;
    summary.type = options.type;
    summary.identity = probe.identity;
    summary.mode = BackupMode::full;
    summary.requested_mode = BackupMode::full;
    summary.capture = Capture::full;
    summary.begun_at = manifest.taken_at;
    summary.bytes_source = size_bytes;
    summary.bytes_read = end.bytes_read;
    summary.consistency = end.consistency;
    summary.is_incomplete = end.is_incomplete;
    summary.tags = options.tags;
    details.method = fmt::format("{}-auto", word_of(options.type));
    details.server_version = probe.server_version;
    details.position = end.position;
    details.warnings = end.warnings;
    return details;
}

}  // namespace

SourceArchive archive_source(Connector& connector, const BackupOptions& options,
                             const ArchiveRequest& request, ByteSink& sink, const Context& context,
                             std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    const Probe probe = connector.probe(stop);
    ArchiveManifest manifest;
    manifest.source_name = options.source_name.value_or(probe.suggested_name);
    manifest.type = options.type;
    manifest.server_version = probe.server_version;
    manifest.taken_at = context.clock.now();
    manifest.tags = options.tags;
    BackupRequest wanted;
    wanted.jobs = options.jobs;
    auto* const maker = dynamic_cast<ArchiveMaker*>(&connector);
    const std::unique_ptr<Session> session =
        throttled(maker == nullptr ? connector.begin(wanted, stop)
                                   : maker->begin_archive(form_of(request.compression), stop),
                  options.read_bytes_per_s);
    check_database_count(session->view_count(), request.compression);
    context.progress.phase = Phase::reading;
    ArchiveAssembly assembly(std::move(manifest), request, sink, stop);
    SourceReading reading(assembly, context, stop);
    reading.read(*session);
    context.progress.phase = Phase::finishing;
    SourceArchive archive;
    archive.contents = assembly.finish();
    archive.report.snapshot = details_of(probe, options, archive.contents.manifest, reading.end(),
                                         archive.contents.size_bytes);
    archive.report.writers_waited = reading.end().writers_waited;
    archive.report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    archive.contents.duration_s = archive.report.duration_s;
    return archive;
}

}  // namespace dbbackup
