#include "connector/postgres/database_reader.hpp"

#include "base/error.hpp"
#include "connector/postgres/archive_head.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/lock_waits.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/standby.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// How often the rows of one segment are begun.
constexpr int kConnectionsMax = 3;
// SQLSTATEs. Source: PostgreSQL manual, appendix A.
constexpr std::string_view kInsufficientPrivilege = "42501";
constexpr std::string_view kSerializationFailure = "40001";

void explain(ServerError& error) {
    if (error.sqlstate() == kInsufficientPrivilege) {
        error.set_hint(
            "Back up as a role with pg_read_all_data, and with BYPASSRLS where row security hides "
            "rows, or exclude the table.");
    } else if (error.sqlstate() == kSerializationFailure) {
        // Of reading alone only a standby says that (PostgreSQL manual, 26.4.2).
        error.set_hint(
            "The standby had to apply what the view could not bear: set hot_standby_feedback = on "
            "there, or a longer max_standby_streaming_delay.");
    }
}

}  // namespace

DatabaseReader::DatabaseReader(ConnectionInfo info, std::chrono::milliseconds lock_timeout,
                               const BackupChoice& choice, const BackupRequest& request,
                               ToolFinder& tools, std::stop_token stop)
    : info_(std::move(info)),
      lock_timeout_(lock_timeout),
      choice_(choice),
      tools_(tools),
      view_(info_, {.lock_timeout = lock_timeout}, stop),
      properties_(properties_of(view_.leader())),
      reuse_(info_, view_, request, std::move(stop)) {
    warn(lock_wait_warning(view_.lock_wait()));
    if (view_.is_standby()) {
        warn(lag_text(replay_lag(view_.leader()).value_or(std::chrono::seconds(0))));
    }
}

void DatabaseReader::warn(std::string warning) {
    if (!warning.empty()) {
        warnings_.push_back(std::move(warning));
    }
}

std::vector<const Table*> DatabaseReader::wanted_tables(SchemaDefinition& schema) {
    const PartitionedAbove above =
        choice_.takes_all_rows() ? PartitionedAbove() : partitioned_above(view_.leader());
    std::vector<const Table*> wanted;
    std::vector<std::uint32_t> left_out;
    std::vector<std::string> unlogged;
    for (const Table& table : view_.tables()) {
        if (!choice_.takes_rows(properties_.name, names_of(table, above))) {
            left_out.push_back(table.oid);
            schema.left_out.push_back({table.schema, table.name});
        } else if (table.is_unlogged && view_.is_standby()) {
            unlogged.push_back(table.schema + '.' + table.name);
        } else {
            wanted.push_back(&table);
        }
    }
    if (!left_out.empty()) {
        warnings_.push_back("as asked, the rows of these tables are left out: " +
                            names_text(schema.left_out));
        schema.unchecked_keys = keys_to(view_.leader(), left_out);
    }
    if (!unlogged.empty()) {
        warnings_.push_back(
            fmt::format("unlogged tables have no rows on a standby, and are left out: {}",
                        fmt::join(unlogged, ", ")));
        is_incomplete_ = true;
    }
    return wanted;
}

std::vector<StreamPlan> DatabaseReader::plan(std::stop_token stop) {
    reuse_.ask(std::move(stop));
    std::vector<StreamPlan> plans;
    const std::string& database = properties_.name;
    SchemaDefinition schema;
    schema.database = properties_;
    schema.filled_views = filled_views_of(view_.leader());
    schema.requirements = requirements_of(view_.leader());
    const std::vector<const Table*> wanted = wanted_tables(schema);
    plans.push_back(opaque_stream(special_stream_name(database, kSchemaStream), Consistency::view));
    plans.back().definition = schema.json();
    const bool has_ranges = view_.leader().server_version() >= kTidRangeScans;
    for (const Table* const table : wanted) {
        std::string name = stream_name(database, table->schema, table->name);
        tables_.emplace(name, table);
        plans.push_back(table_stream(std::move(name), *table, has_ranges));
        reuse_.mark_unchanged(*table, plans.back());
    }
    plans.push_back(rows_stream(special_stream_name(database, kLargeObjectOwnersStream)));
    plans.push_back(rows_stream(special_stream_name(database, kLargeObjectsStream)));
    // Their values are those of now, not of the view. Read last they are never behind the rows.
    plans.push_back(rows_stream(special_stream_name(database, kSequencesStream)));
    plans.back().consistency = Consistency::fuzzy;
    return plans;
}

void DatabaseReader::read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                          std::stop_token stop) {
    const auto table = tables_.find(stream.name);
    if (table != tables_.end()) {
        try {
            read_rows(*table->second, segment.range, sink, std::move(stop));
        } catch (ServerError& error) {
            error.add_context(fmt::format("reading the rows of {}.{}", table->second->schema,
                                          table->second->name));
            explain(error);
            throw;
        }
    } else if (stream.kind == StreamKind::opaque) {
        read_schema(sink, stop);
    } else {
        read_special(stream, sink, stop);
    }
}

void DatabaseReader::read_special(const StreamPlan& stream, SegmentSink& sink,
                                  const std::stop_token& stop) {
    try {
        if (stream.name == special_stream_name(properties_.name, kSequencesStream)) {
            read_sequences(sink);
        } else if (stream.name == special_stream_name(properties_.name, kLargeObjectsStream)) {
            // Who has none need not be allowed to read the table of all.
            if (has_large_objects()) {
                read_copy(copy_of_large_objects(), sink);
            }
        } else {
            read_copy(copy_of_large_object_owners(), sink);
        }
    } catch (const ServerError& error) {
        if (error.sqlstate() != kLockNotAvailable) {
            throw;
        }
        throw lock_error(error, others_locks(stop));
    }
}

bool DatabaseReader::has_large_objects() {
    const std::lock_guard lock(leader_mutex_);
    return view_.leader().text("SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)") ==
           "t";
}

std::string DatabaseReader::others_locks(const std::stop_token& stop) const {
    Connection other(info_, Role::source, stop);  // The leader's transaction is lost.
    return exclusive_locks(other);
}

void DatabaseReader::read_copy(const std::string& copy, SegmentSink& sink) {
    const std::lock_guard lock(leader_mutex_);
    view_.leader().copy_out(copy, [&](BytesView rows, std::span<const std::uint32_t> ends) {
        sink.rows(rows, ends);
        bytes_read_ += rows.size();
    });
}

void DatabaseReader::read_rows(const Table& table, const SegmentRange& range, SegmentSink& sink,
                               std::stop_token stop) {
    CountedRows rows(sink);
    const std::string copy = copy_of(table, range) + encoding_of_rows(properties_.encoding);
    for (int left = kConnectionsMax; !read_by_another(table, copy, rows, stop, --left);) {
    }
    bytes_read_ += rows.bytes();
}

bool DatabaseReader::read_by_another(const Table& table, const std::string& copy, CountedRows& rows,
                                     const std::stop_token& stop, int left) {
    // Under one snapshot rows come in the order of their blocks: what a connection gave that was
    // lost meanwhile is what comes first now.
    rows.begin_again();
    const auto take = [&rows](BytesView some, std::span<const std::uint32_t> ends) {
        rows.add(some, ends);
    };
    std::unique_ptr<ViewReader> reader = view_.reader(stop);
    std::string lock;
    if (reader->locked != table.oid) {
        // Without waiting: behind somebody who waits for an exclusive lock, which the leader's own
        // lock keeps from him, this would wait for ever.
        lock = fmt::format("LOCK TABLE ONLY {} IN ACCESS SHARE MODE NOWAIT; ",
                           quoted_name(table.schema, table.name));
    }
    try {
        rows.check(reader->connection.copy_out(lock + copy, take));
        reader->locked = table.oid;
    } catch (const ServerError& error) {
        if (error.sqlstate() == kLockNotAvailable) {
            // The reader's transaction is lost, and with it its view.
            const std::lock_guard guard(leader_mutex_);
            rows.begin_again();  // COPY locks what holds long values, too, when it comes to them.
            rows.check(view_.leader().copy_out(copy, take));
            return true;
        }
        if (left == 0 || !reader->connection.is_lost()) {
            throw;
        }
        const std::lock_guard guard(warnings_mutex_);
        warnings_.push_back(
            fmt::format("a connection was lost while it read {}.{}, and another one went on: {}",
                        table.schema, table.name, error.what()));
        return false;
    }
    view_.give_back(std::move(reader));
    return true;
}

void DatabaseReader::begin() {
    schema_.emplace([this, server_major = view_.leader().server_major()](
                        const EarlyOutput::Take& take, const std::stop_token& stop) {
        dump_schema(server_major, take, stop);
    });
}

void DatabaseReader::dump_schema(int server_major, const EarlyOutput::Take& take,
                                 const std::stop_token& stop) {
    const Tool tool = tools_.find("pg_dump", server_major, stop);
    ToolCall call(tool, info_.with_database(properties_.name));
    call.with("--format=custom")
        .with("--compress=0")
        .with("--schema-only")
        .with("--encoding=" + encoding_of_names(properties_.encoding))
        .with("--snapshot=" + view_.snapshot())
        // It locks the tables again: behind somebody who waits for an exclusive lock, which the
        // leader's own lock keeps from him, it would wait for ever.
        .with(fmt::format("--lock-wait-timeout={}", bounded(lock_timeout_).count()));
    try {
        call.run(
            {},
            [&take, head = ArchiveHead()](BytesView part) mutable {
                take(head.without_time(part));
            },
            stop);
    } catch (const SourceError& error) {
        if (!is_lock_timeout_of_tool(error)) {
            throw;
        }
        throw lock_error_of_tool(error, others_locks(stop));
    }
}

void DatabaseReader::read_schema(SegmentSink& sink, const std::stop_token& stop) {
    if (!schema_) {
        begin();
    }
    schema_->read(
        [&](BytesView part) {
            bytes_read_ += part.size();
            sink.opaque(part);
        },
        stop);
}

void DatabaseReader::read_sequences(SegmentSink& sink) {
    std::string rows;
    std::vector<std::uint32_t> ends;
    const std::lock_guard lock(leader_mutex_);
    for (const std::string& row : sequence_rows(view_.leader())) {
        rows += row;
        ends.push_back(static_cast<std::uint32_t>(rows.size()));
    }
    if (!ends.empty()) {
        sink.rows(as_bytes(rows), ends);
    }
    bytes_read_ += rows.size();
}

SessionEnd DatabaseReader::finish(std::stop_token stop) {
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
    if (const std::optional<TrackingMark> mark = reuse_.mark(std::move(stop))) {
        end.state = mark->json();
    }
    warn(view_age_warning(view_.age()));
    end.warnings = warnings_;
    end.is_incomplete = is_incomplete_;
    end.bytes_read = bytes_read_;
    return end;
}

}  // namespace dbbackup::postgres
