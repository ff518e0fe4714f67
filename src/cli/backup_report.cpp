#include "cli/backup_report.hpp"

#include "base/units.hpp"
#include "cli/snapshot_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbbackup {

using Json = nlohmann::ordered_json;

std::string waited_text(std::chrono::milliseconds waited) {
    // Mostly much less than a second, which would read as "0.0 s".
    return "waited up to " + (waited < std::chrono::seconds(1)
                                  ? fmt::format("{} ms", waited.count())
                                  : format_duration(waited));
}

double writers_waited_seconds(const BackupReport& report) {
    return std::chrono::duration<double>(report.writers_waited).count();
}

Json report_json(const BackupReport& report, const BackupOptions& options,
                 const std::string& repository) {
    const SnapshotDetails& details = report.snapshot;
    const SnapshotSummary& summary = details.summary;
    Json document = {
        {"snapshot", text_or_null(summary.id)},
        {"source", summary.source_name},
        {"type", word_of(summary.type)},
        {"mode", word_of(summary.mode)},
        {"requested_mode", word_of(summary.requested_mode)},
        {"parent", summary.parent ? Json(*summary.parent) : Json(nullptr)},
        {"method", text_or_null(details.method)},
        {"capture", capture_name(summary.capture)},
        {"reason", text_or_null(details.reason)},
        {"position", text_or_null(position_text(details.position))},
        {"bytes_source", summary.bytes_source},
        {"bytes_read", summary.bytes_read},
        {"bytes_added", summary.bytes_added},
        {"chunks_new", summary.chunks_new},
        {"chunks_delta", summary.chunks_delta},
        {"chunks_reused", summary.chunks_reused},
        {"rows", summary.rows ? Json(*summary.rows) : Json(nullptr)},
        {"duration_s", report.duration_s},
        {"writers_waited_s", writers_waited_seconds(report)},
        {"consistency", consistency_name(summary.consistency)},
        {"warnings", details.warnings},
        {"time", format_rfc3339(summary.begun_at)},
        {"sequence", summary.sequence},
        {"tags", Json(summary.tags)},
        {"incomplete", summary.is_incomplete},
        {"repository", text_or_null(repository)},
        {"dry_run", options.is_dry_run},
    };
    if (options.is_dry_run) {
        document["segments_to_read"] = report.segments_to_read;
        document["segments_to_reuse"] = report.segments_to_reuse;
    }
    return document;
}

}  // namespace dbbackup
