#include "connector/postgres/view.hpp"

#include "connector/postgres/lock_waits.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/table_shape.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup::postgres {
namespace {

constexpr int kAttemptsMax = 10;
constexpr std::size_t kTablesLockedAtOnce = 200;
/// More than looking at one table, or locking it, takes when nobody is in the way.
constexpr std::chrono::microseconds kOneTable{100};
// SQLSTATEs. Source: PostgreSQL manual, appendix A.
constexpr std::string_view kUndefinedTable = "42P01";
constexpr std::string_view kUndefinedSchema = "3F000";

/// READ ONLY is said, not needed: nothing here writes.
constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

}  // namespace

void set_text_form(Connection& connection) {
    set_text_form(connection, connection.parameter("server_encoding"));
}

void set_text_form(Connection& connection, std::string_view encoding) {
    // Row security is an error then, where it would hide rows.
    connection.execute(
        fmt::format("SET client_encoding = {}; SET DateStyle = ISO; SET IntervalStyle = postgres; "
                    "SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = hex; "
                    "SET lc_monetary = 'C'; SET xmloption = content; SET array_nulls = on; "
                    "SET row_security = off; "
                    "SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0",
                    literal(encoding_of_names(encoding))));
}

View::View(const ConnectionInfo& info, const ViewOptions& options, std::stop_token stop)
    : info_(info), options_(options) {
    leader_ = std::make_unique<Connection>(info_, Role::source, stop);
    set_text_form(*leader_);
    // For all that the leader does: nobody is waited for without end while others wait for us. Even
    // asking for the size of a table takes a lock on it.
    leader_->execute(fmt::format("SET lock_timeout = {}", bounded(options_.lock_timeout).count()));
    try {
        take_with_locks();
    } catch (const ServerError& error) {
        if (error.sqlstate() != kLockNotAvailable) {
            throw;
        }
        leader_->execute("ROLLBACK");  // Whoever waits for us goes on.
        throw lock_error(error, exclusive_locks(*leader_));
    }
}

void View::take_with_locks() {
    for (int attempt = 1;; ++attempt) {
        if (take() && lock_tables() && are_tables_unchanged()) {
            return;
        }
        if (attempt == kAttemptsMax) {
            throw explained<SourceError>(
                "tables were made, dropped or rewritten each time that a view was taken",
                "Run the backup when no migration runs.", "source_locked");
        }
        leader_->execute("ROLLBACK");
    }
}

bool View::take() {
    const bool has_summaries = leader_->server_major() >= kFirstWithSummaries;
    if (has_summaries) {
        pair_ = take_pair(*leader_);
    }
    leader_->execute(kBegin);
    taken_at_ = std::chrono::steady_clock::now();
    is_standby_ = leader_->text("SELECT pg_catalog.pg_is_in_recovery()") == "t";
    snapshot_ = leader_->text("SELECT pg_catalog.pg_export_snapshot()");
    // Read after the view was taken: with synchronous_commit off a commit is visible before its
    // record is written, so the place of the next record is what counts.
    lsn_ = Lsn::parse(leader_->text(is_standby_ ? "SELECT pg_catalog.pg_last_wal_replay_lsn()"
                                                : "SELECT pg_catalog.pg_current_wal_insert_lsn()"));
    const auto begun = std::chrono::steady_clock::now();
    tables_ = tables_of(*leader_);
    note_wait(std::chrono::steady_clock::now() - begun - tables_.size() * kOneTable);
    if (has_summaries) {
        const Rows row = leader_->query(
            is_standby_ ? "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), "
                          "timeline_id FROM pg_catalog.pg_control_checkpoint()"
                        : "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), "
                          "timeline_id FROM pg_catalog.pg_split_walfile_name("
                          "pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()))");
        xmin_ = static_cast<std::uint64_t>(row.integer(0, 0));
        timeline_ = row.integer(0, 1);
        describe_shapes(*leader_, tables_);
    }
    // A standby that is promoted meanwhile writes a history of its own: the view may hold what the
    // place, read as a standby's, does not cover. It is promoted once at most.
    return is_standby_ == (leader_->text("SELECT pg_catalog.pg_is_in_recovery()") == "t");
}

bool View::lock_tables() {
    for (std::size_t begin = 0; begin < tables_.size(); begin += kTablesLockedAtOnce) {
        const std::size_t count = std::min(kTablesLockedAtOnce, tables_.size() - begin);
        if (!lock_some(std::span(tables_).subspan(begin, count))) {
            return false;
        }
    }
    return true;
}

bool View::lock_some(std::span<const Table> tables) {
    std::string names;
    for (const Table& table : tables) {
        names += fmt::format("{}ONLY {}", names.empty() ? "" : ", ",
                             quoted_name(table.schema, table.name));
    }
    try {
        const auto begun = std::chrono::steady_clock::now();
        leader_->execute(fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", names));
        note_wait(std::chrono::steady_clock::now() - begun - tables.size() * kOneTable);
        return true;
    } catch (const ServerError& error) {
        if (error.sqlstate() == kUndefinedTable || error.sqlstate() == kUndefinedSchema) {
            return false;
        }
        throw;
    }
}

void View::note_wait(std::chrono::steady_clock::duration took) {
    if (took >= kLockWaitShown) {
        lock_wait_ += std::chrono::duration_cast<std::chrono::milliseconds>(took);
    }
}

std::chrono::seconds View::age() const {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                            taken_at_);
}

/// TRUNCATE and rewriting forms of ALTER TABLE between the view and the lock: the view would see an
/// empty table, or none at all (PostgreSQL manual, 13.6 "Caveats").
bool View::are_tables_unchanged() {
    return leader_->text(
               "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relkind = 'r' "
               "AND c.relfilenode <> 0 AND c.relnamespace <> "
               "'pg_catalog'::pg_catalog.regnamespace AND c.relpersistence <> 't' AND "
               "pg_catalog.pg_relation_filenode(c.oid) IS DISTINCT FROM c.relfilenode)") == "t";
}

std::unique_ptr<ViewReader> View::reader(std::stop_token stop) {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            std::unique_ptr<ViewReader> reader = std::move(idle_.back());
            idle_.pop_back();
            return reader;
        }
    }
    auto reader = std::make_unique<ViewReader>(info_, std::move(stop));
    set_text_form(reader->connection);
    reader->connection.execute(
        fmt::format("{}; SET TRANSACTION SNAPSHOT {}", kBegin, literal(snapshot_)));
    return reader;
}

void View::give_back(std::unique_ptr<ViewReader> reader) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
}

}  // namespace dbbackup::postgres
