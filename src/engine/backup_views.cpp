#include "engine/backup_views.hpp"

#include "base/error.hpp"
#include "engine/cutting_sink.hpp"
#include "engine/segment_readers.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

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

void refuse_skipping(const std::vector<StreamPlan>& plans) {
    for (const StreamPlan& plan : plans) {
        for (const SegmentPlan& segment : plan.segments) {
            if (segment.action != SegmentAction::read) {
                throw Error("the connector planned to skip what must be read");
            }
        }
    }
}

/// How many segments all views together have, known before the first one is planned: each run takes
/// its samples evenly from all of them. As many as the parent has, whose long streams are not
/// looked into: pages are cut in segments of one size.
std::uint64_t segments_expected(const Manifest& parent) {
    std::uint64_t segments = 0;
    for (const StreamContents& stream : parent.streams) {
        for (const SegmentListRef& list : stream.lists) {
            segments += list.chunk == nullptr ? list.segments.size()
                                              : (list.bytes + kPageChunks.bytes_target - 1) /
                                                    kPageChunks.bytes_target;
        }
    }
    return segments;
}

}  // namespace

ReadViews::ReadViews(Session& session, const Preparation& ready, BackupRun& run,
                     std::stop_token stop)
    : ready_(ready),
      run_(run),
      stop_(std::move(stop)),
      has_several_(session.view_count() > 1),
      stage_(run, ready.parent != nullptr, stop_) {
    if (ready_.parent) {
        segments_expected_ = segments_expected(*ready_.parent);
        for (const StreamContents& stream : ready_.parent->streams) {
            parent_streams_.emplace(stream.stream.name, &stream);
        }
    }
    run_.context.progress.bytes_total = 0;
    run_.context.progress.phase = Phase::reading;
    for (std::size_t view = 0; view < session.view_count(); ++view) {
        if (view > 0) {
            session.next_view();
        }
        try {
            read_view(session, view + 1 == session.view_count());
        } catch (const ViewGivenUp& lost) {
            run_.context.log.warning(lost.what());
            given_up_.emplace_back(lost.what());
            stage_.drain();  // What is in there hands on to the streams that go.
            view_streams_.clear();
        }
    }
    if (streams_.empty() && !given_up_.empty()) {
        throw explained<SourceError>("nothing of the source could be read: " + given_up_.front(),
                                     "The log names what is wrong with each database.",
                                     "source_unreadable");
    }
    end_.is_incomplete = end_.is_incomplete || !given_up_.empty();
    end_.warnings.insert(end_.warnings.end(), given_up_.begin(), given_up_.end());
}

void ReadViews::read_view(Session& session, bool is_last) {
    std::vector<StreamPlan> plans = session.plan();
    segments_planned_ += check_skipped_parts(plans, session);
    run_.context.progress.bytes_total += planned_bytes(plans);
    read_streams(session, plans);
    if (is_last) {
        run_.writer.hand_over();  // It is stored while the session ends.
    }
    add(session.finish(stop_));
}

std::uint64_t ReadViews::check_skipped_parts(const std::vector<StreamPlan>& plans,
                                             Session& session) {
    if (ready_.request.must_read) {
        refuse_skipping(plans);
    }
    std::uint64_t segments = 0;
    for (const StreamPlan& plan : plans) {
        segments += plan.segments.size();
    }
    if (!ready_.parent) {
        return segments;
    }
    const std::uint64_t sequence = ready_.strategy.sequence;
    const SampleProof proof =
        run_.reader.reads_ahead() ? SampleProof::segment_fingerprint : SampleProof::stored_bytes;
    const std::vector<Sample> samples =
        has_several_ ? choose_samples_of_view(plans, sequence,
                                              {.segments_before = segments_planned_,
                                               .segments_in_all = segments_expected_},
                                              proof)
                     : choose_samples(plans, sequence, proof);
    if (std::optional<Mismatch> mismatch =
            compare_samples(samples, plans, *ready_.parent, session, run_, proof, stop_)) {
        throw SkippedPartDiffers(std::move(*mismatch));
    }
    return segments;
}

const StreamContents* ReadViews::parent_stream(std::string_view name) const {
    const auto found = parent_streams_.find(name);
    return found == parent_streams_.end() ? nullptr : found->second;
}

void ReadViews::read_streams(Session& session, std::vector<StreamPlan>& plans) {
    SegmentReaders readers(
        session, plans,
        [this](StreamPlan plan) -> StreamWriter& {
            const StreamContents* const before = parent_stream(plan.name);
            return view_streams_.emplace_back(run_, stage_, std::move(plan), before, stop_);
        },
        stage_, stop_);
    readers.run(std::min(run_.jobs, session.readers_max()));
    stage_.drain();
}

void ReadViews::add(SessionEnd end) {
    if (has_several_) {
        if (!view_streams_.empty()) {
            view_streams_.back().set_state(end.state);
        }
        end.state.clear();
    }
    end_.position = std::move(end.position);
    end_.state = std::move(end.state);
    end_.consistency = std::max(end_.consistency, end.consistency);
    end_.warnings.insert(end_.warnings.end(), end.warnings.begin(), end.warnings.end());
    end_.is_incomplete = end_.is_incomplete || end.is_incomplete;
    end_.bytes_read += end.bytes_read;
    end_.writers_waited = std::max(end_.writers_waited, end.writers_waited);
    streams_.splice(streams_.end(), view_streams_);
}

std::vector<StreamContents> ReadViews::finish() {
    std::vector<StreamContents> contents;
    contents.reserve(streams_.size());
    for (; !streams_.empty(); streams_.pop_front()) {
        contents.push_back(streams_.front().finish());
    }
    return contents;
}

std::vector<SegmentAction> planned_actions(Session& session, std::vector<std::string>& warnings) {
    std::vector<SegmentAction> actions;
    for (std::size_t view = 0; view < session.view_count(); ++view) {
        if (view > 0) {
            session.next_view();
        }
        try {
            for (const StreamPlan& plan : session.plan()) {
                for (const SegmentPlan& segment : plan.segments) {
                    actions.push_back(segment.action);
                }
            }
        } catch (const ViewGivenUp& lost) {
            warnings.emplace_back(lost.what());
        }
    }
    return actions;
}

}  // namespace dbbackup
