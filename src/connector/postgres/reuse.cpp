#include "connector/postgres/reuse.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// How long the server's record of changes is waited for.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

Reuse::Reuse(const ConnectionInfo& info, View& view, const BackupRequest& request,
             std::stop_token stop)
    : view_(view), parent_(request.must_read ? std::nullopt : request.parent) {
    if (request.parent) {
        parent_mark_ = TrackingMark::parse(request.parent->state);
    }
    if (parent_) {
        for (const ParentStream& stream : parent_->streams) {
            parent_streams_.emplace(stream.name, &stream);
        }
    }
    if (view_.leader().server_major() >= kFirstWithSummaries) {
        beside_ = std::make_unique<Connection>(info, Role::source, std::move(stop));
    }
}

void Reuse::ask(std::stop_token stop) {
    if (!parent_) {
        return;
    }
    reason_ = why_not(std::move(stop));
    if (reason_.empty()) {
        changed_.emplace(*beside_, *parent_mark_, view_.lsn());
        reason_ = changed_->gap();
    }
    if (!reason_.empty()) {
        changed_.reset();
    }
    capture_ = changed_ ? Capture::tracked : Capture::reread;
}

std::string Reuse::why_not(std::stop_token stop) {
    if (!beside_) {
        return "no record of changes";
    }
    if (std::string why = can_track_since(*beside_, parent_mark_).why_not; !why.empty()) {
        return why;
    }
    if (view_.timeline() != parent_mark_->timeline) {
        return "the server was promoted or restored since the parent snapshot";
    }
    return wait_for_summaries(*beside_, view_.lsn(), kPatience, std::move(stop));
}

void Reuse::mark_unchanged(const Table& table, StreamPlan& plan) {
    const auto before = parent_streams_.find(plan.name);
    if (!changed_ || table.shape.empty() || before == parent_streams_.end() ||
        TableDefinition::parse(before->second->definition).shape != table.shape) {
        return;
    }
    std::set<std::pair<std::string_view, std::string_view>> ranges;
    for (const SegmentRange& range : before->second->segments) {
        ranges.emplace(range.lower, range.upper);
    }
    std::uint64_t first = 0;
    for (SegmentPlan& segment : plan.segments) {
        if (ranges.contains({segment.range.lower, segment.range.upper}) &&
            !changed_->touches(table.tablespace, table.file_node, first)) {
            segment.action = SegmentAction::reuse;
        } else {
            has_changes_ = true;
        }
        first += kSegmentBlocks;
    }
}

/// Whether nobody has changed anything since the view: a checkpoint costs next to nothing then.
bool Reuse::is_quiet() {
    return beside_->query("SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())")
               .integer(0, 0) <= static_cast<std::int64_t>(view_.xmin());
}

std::optional<TrackingMark> Reuse::mark(std::stop_token stop) {
    if (!beside_ || !can_keep_mark(*beside_)) {
        return std::nullopt;
    }
    if (capture_ != Capture::tracked || (has_changes_ && is_quiet())) {
        // A checkpoint ends the record that this view's changes are in, and those that reading made
        // (hint bits, pruning): the next run then does not read them again. Where there is none, it
        // only reads more.
        static_cast<void>(wait_for_summaries(*beside_, view_.lsn(), kPatience, std::move(stop)));
    }
    TrackingMark mark;
    mark.timeline = view_.timeline();
    if (parent_mark_ && parent_mark_->timeline == mark.timeline) {
        mark.pairs = parent_mark_->pairs;
    }
    mark.pairs.push_back(checkpoint_pair(*beside_));
    if (view_.pair()) {
        mark.pairs.push_back(*view_.pair());
    }
    std::sort(mark.pairs.begin(), mark.pairs.end(),
              [](const SafePair& a, const SafePair& b) { return a.lsn < b.lsn; });
    bool has_pair = false;
    for (const SafePair& pair : mark.pairs) {
        if (pair.next_xid <= view_.xmin()) {
            mark.safe = pair.lsn;
            has_pair = true;
        }
    }
    const std::optional<SummaryRange> last = last_summary(*beside_);
    if (!has_pair || !last || last->timeline != mark.timeline) {
        return std::nullopt;
    }
    mark.last = *last;
    mark.last_digest = digest_of(*beside_, *last);
    mark.environment = environment_of(*beside_);
    return mark;
}

}  // namespace dbbackup::postgres
