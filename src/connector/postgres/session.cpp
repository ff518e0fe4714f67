#include "connector/postgres/session.hpp"

#include "base/error.hpp"
#include "config/name_pattern.hpp"
#include "connector/postgres/archive_head.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/row_batch.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/tools.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// How long the server's record of changes is waited for.
constexpr std::chrono::seconds kPatience{30};
/// How often the rows of one segment are begun.
constexpr int kConnectionsMax = 3;
constexpr std::string_view kLockNotAvailable = "55P03";
constexpr std::string_view kInsufficientPrivilege = "42501";
/// Ranges of block numbers are found without reading the blocks before them since then.
/// Source: PostgreSQL 14 release notes, E.24.3.1.4 "TID range scans".
constexpr int kTidRangeScans = 140000;

StreamPlan opaque_stream(std::string name, Consistency consistency) {
    StreamPlan plan;
    plan.name = std::move(name);
    plan.kind = StreamKind::opaque;
    plan.consistency = consistency;
    plan.segments.emplace_back();
    return plan;
}

StreamPlan rows_stream(std::string name) {
    StreamPlan plan;
    plan.name = std::move(name);
    plan.kind = StreamKind::rows;
    plan.segments.emplace_back();
    return plan;
}

StreamPlan table_stream(std::string name, const Table& table, bool has_ranges) {
    StreamPlan plan;
    plan.name = std::move(name);
    plan.kind = StreamKind::rows;
    plan.definition = table.definition();
    if (!has_ranges || !table.is_heap) {
        plan.segments.emplace_back();
        return plan;
    }
    // The last one is open: a table may have grown since it was measured, by rows that the view
    // does not show, and by those that it does.
    std::uint64_t first = 0;
    do {
        SegmentPlan segment;
        segment.range.lower = first == 0 ? "" : fmt::format("{}", first);
        first += kSegmentBlocks;
        segment.range.upper = first < table.blocks ? fmt::format("{}", first) : "";
        plan.segments.push_back(std::move(segment));
    } while (first < table.blocks);
    return plan;
}

std::string select_of(const Table& table, const SegmentRange& range) {
    std::vector<std::string> columns;
    std::transform(table.columns.begin(), table.columns.end(), std::back_inserter(columns),
                   [](const std::string& name) { return quoted_name(name); });
    std::vector<std::string> conditions;
    if (!range.lower.empty()) {
        conditions.push_back(fmt::format("ctid >= '({},0)'", range.lower));
    }
    if (!range.upper.empty()) {
        conditions.push_back(fmt::format("ctid < '({},0)'", range.upper));
    }
    if (!table.condition.empty()) {
        // An extension's: "WHERE …" (PostgreSQL manual, 38.17.3).
        std::string_view text = table.condition;
        text.remove_prefix(text.starts_with("WHERE") || text.starts_with("where") ? 5 : 0);
        conditions.push_back(fmt::format("({})", text));
    }
    return fmt::format("SELECT {} FROM ONLY {}{}{}", fmt::join(columns, ", "),
                       quoted_name(table.schema, table.name), conditions.empty() ? "" : " WHERE ",
                       fmt::join(conditions, " AND "));
}

}  // namespace

PostgresSession::PostgresSession(const ConnectionInfo& info, const SourceOptions& options,
                                 const BackupRequest& request, std::stop_token stop)
    : info_(info),
      jobs_(std::max(1U, request.jobs)),
      parent_(request.must_read ? std::nullopt : request.parent),
      view_(info, {.lock_timeout = options.lock_timeout}, stop),
      properties_(properties_of(view_.leader())) {
    static_cast<void>(NameSelection::parse(options.include, options.exclude));
    if (request.parent) {
        parent_mark_ = tracking_of(request.parent->state);
    }
    if (parent_) {
        for (const ParentStream& stream : parent_->streams) {
            parent_streams_.emplace(stream.name, &stream);
        }
    }
    if (view_.leader().server_major() >= kFirstWithSummaries) {
        beside_ = std::make_unique<Connection>(info_, Role::source, stop);
    }
}

std::optional<ChangedBlocks> PostgresSession::changes(std::stop_token stop) {
    if (!parent_) {
        return std::nullopt;
    }
    capture_ = Capture::reread;
    reason_ = beside_ ? can_track_since(*beside_, parent_mark_).why_not : "no record of changes";
    if (reason_.empty() && view_.timeline() != parent_mark_->timeline) {
        reason_ = "the server was promoted or restored since the parent snapshot";
    }
    if (reason_.empty()) {
        reason_ = wait_for_summaries(*beside_, view_.lsn(), kPatience, std::move(stop));
    }
    if (!reason_.empty()) {
        return std::nullopt;
    }
    ChangedBlocks changed(*beside_, *parent_mark_, view_.lsn());
    reason_ = changed.gap();
    if (!reason_.empty()) {
        return std::nullopt;
    }
    capture_ = Capture::tracked;
    return changed;
}

void PostgresSession::reuse_unchanged(const Table& table, const ChangedBlocks& changed,
                                      StreamPlan& plan) {
    const auto before = parent_streams_.find(plan.name);
    if (table.shape.empty() || before == parent_streams_.end() ||
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
            !changed.touches(table.tablespace, table.file_node, first)) {
            segment.action = SegmentAction::reuse;
        } else {
            has_changes_ = true;
        }
        first += kSegmentBlocks;
    }
}

/// Whether nobody has changed anything since the view: a checkpoint costs next to nothing then.
bool PostgresSession::is_quiet() {
    return beside_->query("SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())")
               .integer(0, 0) <= static_cast<std::int64_t>(view_.xmin());
}

std::optional<TrackingMark> PostgresSession::mark(std::stop_token stop) {
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

std::vector<StreamPlan> PostgresSession::plan() {
    const std::optional<ChangedBlocks> changed = changes({});
    std::vector<StreamPlan> plans;
    const std::string& database = properties_.name;
    plans.push_back(opaque_stream(special_stream_name("", kRolesStream), Consistency::fuzzy));
    plans.push_back(opaque_stream(special_stream_name(database, kSchemaStream), Consistency::view));
    plans.back().definition =
        SchemaDefinition{filled_views_of(view_.leader()), requirements_of(view_.leader())}.json();
    const bool has_ranges = view_.leader().server_version() >= kTidRangeScans;
    std::vector<std::string> unlogged;
    for (const Table& table : view_.tables()) {
        if (table.is_unlogged && view_.is_standby()) {
            unlogged.push_back(table.schema + '.' + table.name);
            continue;
        }
        std::string name = stream_name(database, table.schema, table.name);
        tables_.emplace(name, &table);
        plans.push_back(table_stream(std::move(name), table, has_ranges));
        if (changed) {
            reuse_unchanged(table, *changed, plans.back());
        }
    }
    if (!unlogged.empty()) {
        warnings_.push_back(
            fmt::format("unlogged tables have no rows on a standby, and are left out: {}",
                        fmt::join(unlogged, ", ")));
        is_incomplete_ = true;
    }
    plans.push_back(rows_stream(special_stream_name(database, kLargeObjectOwnersStream)));
    plans.push_back(rows_stream(special_stream_name(database, kLargeObjectsStream)));
    // Their values are those of now, not of the view. Read last they are never behind the rows.
    plans.push_back(rows_stream(special_stream_name(database, kSequencesStream)));
    plans.back().consistency = Consistency::fuzzy;
    return plans;
}

void PostgresSession::read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                           std::stop_token stop) {
    const auto table = tables_.find(stream.name);
    if (table != tables_.end()) {
        try {
            read_rows(*table->second, segment.range, sink, std::move(stop));
        } catch (ServerError& error) {
            error.add_context(fmt::format("reading the rows of {}.{}", table->second->schema,
                                          table->second->name));
            if (error.sqlstate() == kInsufficientPrivilege) {
                error.set_hint(
                    "Back up as a role with pg_read_all_data, and with BYPASSRLS where row "
                    "security hides rows, or exclude the table.");
            }
            throw;
        }
    } else if (stream.name == special_stream_name("", kRolesStream)) {
        read_roles(sink, std::move(stop));
    } else if (stream.kind == StreamKind::opaque) {
        read_schema(sink, std::move(stop));
    } else if (stream.name == special_stream_name(properties_.name, kSequencesStream)) {
        read_sequences(sink);
    } else if (stream.name == special_stream_name(properties_.name, kLargeObjectsStream)) {
        read_copy(copy_of_large_objects(), sink);
    } else {
        read_copy(copy_of_large_object_owners(), sink);
    }
}

void PostgresSession::read_copy(const std::string& copy, SegmentSink& sink) {
    RowBatch batch(sink);
    const std::lock_guard lock(leader_mutex_);
    view_.leader().copy_out(copy, [&batch](std::string_view row) { batch.add(row); });
    batch.flush();
    bytes_read_ += batch.total_bytes();
}

void PostgresSession::read_rows(const Table& table, const SegmentRange& range, SegmentSink& sink,
                                std::stop_token stop) {
    RowBatch batch(sink);
    const std::string copy = fmt::format("COPY ({}) TO STDOUT", select_of(table, range));
    for (int left = kConnectionsMax; !read_by_another(table, copy, batch, stop, --left);) {
    }
    batch.flush();
    bytes_read_ += batch.total_bytes();
}

bool PostgresSession::read_by_another(const Table& table, const std::string& copy, RowBatch& batch,
                                      const std::stop_token& stop, int left) {
    // Under one snapshot rows come in the order of their blocks: what a connection gave that was
    // lost meanwhile is what comes first now.
    const auto take = [&batch, to_skip = batch.total_rows()](std::string_view row) mutable {
        if (to_skip > 0) {
            --to_skip;
        } else {
            batch.add(row);
        }
    };
    std::unique_ptr<Connection> reader = view_.reader(stop);
    try {
        // Without waiting: behind somebody who waits for an exclusive lock, which the leader's own
        // lock keeps from him, this would wait for ever.
        reader->copy_out(fmt::format("LOCK TABLE ONLY {} IN ACCESS SHARE MODE NOWAIT; {}",
                                     quoted_name(table.schema, table.name), copy),
                         take);
    } catch (const ServerError& error) {
        if (error.sqlstate() == kLockNotAvailable) {
            // The reader's transaction is lost, and with it its view.
            const std::lock_guard lock(leader_mutex_);
            view_.leader().copy_out(copy, take);
            return true;
        }
        if (left == 0 || !reader->is_lost()) {
            throw;
        }
        const std::lock_guard lock(warnings_mutex_);
        warnings_.push_back(
            fmt::format("a connection was lost while it read {}.{}, and another one went on: {}",
                        table.schema, table.name, error.what()));
        return false;
    }
    view_.give_back(std::move(reader));
    return true;
}

void PostgresSession::read_schema(SegmentSink& sink, std::stop_token stop) {
    const Tool tool = tool_for("pg_dump", view_.leader().server_major(), stop);
    ToolCall(tool, info_.with_database(properties_.name))
        .with("--format=custom")
        .with("--compress=0")
        .with("--schema-only")
        .with("--snapshot=" + view_.snapshot())
        .run(
            {},
            [&, head = ArchiveHead()](BytesView part) mutable {
                bytes_read_ += part.size();
                sink.opaque(head.without_time(part));
            },
            stop);
}

void PostgresSession::read_roles(SegmentSink& sink, std::stop_token stop) {
    const Tool tool = tool_for("pg_dumpall", view_.leader().server_major(), stop);
    ToolCall call(tool, info_.with_database(properties_.name));
    call.with("--globals-only").with("--database=" + properties_.name);
    if (has_option(tool, "--restrict-key", stop)) {
        call.with("--restrict-key=dbbackup");  // Else it is drawn anew each time.
    }
    bool sees_passwords = false;
    {
        const std::lock_guard lock(leader_mutex_);
        sees_passwords =
            view_.leader().text(
                "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')") == "t";
    }
    if (!sees_passwords) {
        call.with("--no-role-passwords");
        const std::lock_guard lock(warnings_mutex_);
        warnings_.emplace_back(
            "passwords of roles are not in the snapshot: only a superuser may read them");
    }
    call.run(
        {},
        [&](BytesView part) {
            bytes_read_ += part.size();
            sink.opaque(part);
        },
        stop);
}

void PostgresSession::read_sequences(SegmentSink& sink) {
    RowBatch batch(sink);
    const std::lock_guard lock(leader_mutex_);
    for (const std::string& row : sequence_rows(view_.leader())) {
        batch.add(row);
    }
    batch.flush();
    bytes_read_ += batch.total_bytes();
}

SessionEnd PostgresSession::finish(std::stop_token stop) {
    SessionEnd end;
    const std::lock_guard lock(leader_mutex_);
    Connection& leader = view_.leader();
    // Whoever ended the leader's session let go of its locks, and of the snapshot.
    const Rows row = leader.query(
        "SELECT (pg_catalog.pg_control_system()).system_identifier, "
        "(pg_catalog.pg_control_checkpoint()).timeline_id");
    end.position.source_id = row.text(0, 0);
    end.position.history = row.text(0, 1);
    end.position.value = view_.lsn().text();
    end.state = Notes{properties_, mark(std::move(stop))}.json();
    end.warnings = warnings_;
    end.is_incomplete = is_incomplete_;
    end.bytes_read = bytes_read_;
    return end;
}

}  // namespace dbbackup::postgres
