#include "connector/postgres/session.hpp"

#include "connector/postgres/globals.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dbbackup::postgres {

PostgresSession::PostgresSession(const ConnectionInfo& info, const SourceOptions& options,
                                 const BackupRequest& request, std::stop_token stop)
    : info_(info),
      jobs_(std::max(1U, request.jobs)),
      stop_(stop),
      reader_(info.clone(), options.lock_timeout, request, std::move(stop)) {}

std::vector<StreamPlan> PostgresSession::plan() {
    std::vector<StreamPlan> plans = {
        opaque_stream(special_stream_name("", kRolesStream), Consistency::fuzzy)};
    std::ranges::move(reader_.plan(stop_), std::back_inserter(plans));
    return plans;
}

void PostgresSession::read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                           std::stop_token stop) {
    if (stream.name != special_stream_name("", kRolesStream)) {
        reader_.read(stream, segment, sink, std::move(stop));
        return;
    }
    std::vector<std::string> warnings = dump_globals(
        info_,
        [&](BytesView part) {
            bytes_read_ += part.size();
            sink.opaque(part);
        },
        stop);
    const std::lock_guard lock(warnings_mutex_);
    std::ranges::move(warnings, std::back_inserter(warnings_));
}

SessionEnd PostgresSession::finish(std::stop_token stop) {
    SessionEnd end = reader_.finish(std::move(stop));
    end.bytes_read += bytes_read_;
    end.warnings.insert(end.warnings.begin(), warnings_.begin(), warnings_.end());
    return end;
}

}  // namespace dbbackup::postgres
