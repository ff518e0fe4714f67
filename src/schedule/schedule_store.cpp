#include "schedule/schedule_store.hpp"

#include "schedule/state_file.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr int kVersion = 1;

constexpr const char* kTables = R"(
CREATE TABLE jobs (
    name TEXT PRIMARY KEY,
    looked_at INTEGER NOT NULL,
    pending_due INTEGER, pending_begin INTEGER, pending_attempt INTEGER,
    newest_good INTEGER, usual_duration INTEGER NOT NULL, last_end INTEGER,
    failures INTEGER NOT NULL, alarmed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE marks (
    job TEXT NOT NULL, what TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (job, what)
) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    due INTEGER NOT NULL, last_due INTEGER NOT NULL, count INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    began INTEGER, ended INTEGER,
    status INTEGER NOT NULL, exit_code INTEGER NOT NULL,
    snapshot TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL
);
CREATE INDEX runs_of_job ON runs (job, id);
CREATE INDEX running ON runs (status) WHERE status = 0)";

constexpr std::string_view kRunColumns =
    "id, job, due, last_due, count, attempt, ifnull(began, -1), ifnull(ended, -1), status, "
    "exit_code, snapshot, message, hint";

constexpr std::array<std::string_view, 9> kStatusNames = {"running", "succeeded", "incomplete",
                                                          "failed",  "timed_out", "interrupted",
                                                          "missed",  "caught_up", "skipped"};

std::int64_t number(sys_seconds time) { return time.time_since_epoch().count(); }
sys_seconds time_of(std::int64_t number) { return sys_seconds(seconds(number)); }

/// Times before 1970 are none.
std::int64_t number(const std::optional<sys_seconds>& time) { return time ? number(*time) : -1; }
std::optional<sys_seconds> maybe_time(std::int64_t number) {
    return number < 0 ? std::nullopt : std::optional(time_of(number));
}

JobRun run_of(const OwnStatement& row) {
    int column = 0;
    JobRun run;
    run.id = row.integer(column++);
    run.job = row.text(column++);
    run.due = time_of(row.integer(column++));
    run.last_due = time_of(row.integer(column++));
    run.count = row.integer(column++);
    run.attempt = static_cast<unsigned>(row.integer(column++));
    run.began = maybe_time(row.integer(column++));
    run.ended = maybe_time(row.integer(column++));
    run.status = static_cast<RunStatus>(row.integer(column++));
    run.exit_code = static_cast<int>(row.integer(column++));
    run.snapshot = row.text(column++);
    run.message = row.text(column++);
    run.hint = row.text(column++);
    return run;
}

/// Binds all but the id, from a place on.
void bind_run(OwnStatement& statement, const JobRun& run) {
    int place = 0;
    statement.bind(place++, run.job);
    statement.bind(place++, number(run.due));
    statement.bind(place++, number(run.last_due));
    statement.bind(place++, run.count);
    statement.bind(place++, std::int64_t{run.attempt});
    statement.bind(place++, number(run.began));
    statement.bind(place++, number(run.ended));
    statement.bind(place++, static_cast<std::int64_t>(run.status));
    statement.bind(place++, std::int64_t{run.exit_code});
    statement.bind(place++, run.snapshot);
    statement.bind(place++, run.message);
    statement.bind(place++, run.hint);
}

}  // namespace

std::string_view run_status_name(RunStatus status) {
    return kStatusNames.at(static_cast<std::size_t>(status));
}

std::optional<sys_seconds> next_run(const JobSettings& job, const JobMemory& memory) {
    return memory.pending ? std::optional(memory.pending->begin)
                          : job.timetable.next(memory.looked_at, memory.past);
}

ScheduleStore::ScheduleStore(OwnDatabase& database) : database_(database) {
    OwnTransaction transaction(database_);
    if (needs_tables(database_, "schedule", kVersion)) {
        database_.execute(kTables);
    }
    transaction.commit();
}

std::optional<JobMemory> ScheduleStore::memory(const std::string& job) {
    OwnStatement row = database_.prepare(
        "SELECT looked_at, ifnull(pending_due, -1), pending_begin, pending_attempt, "
        "ifnull(newest_good, -1), usual_duration, ifnull(last_end, -1), failures, alarmed FROM "
        "jobs "
        "WHERE name = ?");
    row.bind(0, job);
    if (!row.step()) {
        return std::nullopt;
    }
    JobMemory memory;
    int column = 0;
    memory.looked_at = time_of(row.integer(column++));
    const std::optional<sys_seconds> due = maybe_time(row.integer(column++));
    const sys_seconds begin = time_of(row.integer(column++));
    const auto attempt = static_cast<unsigned>(row.integer(column++));
    if (due) {
        memory.pending = PendingRun{.due = *due, .begin = begin, .attempt = attempt};
    }
    memory.past.newest_good = maybe_time(row.integer(column++));
    memory.past.usual_duration = seconds(row.integer(column++));
    memory.past.last_end = maybe_time(row.integer(column++));
    memory.past.failures = static_cast<unsigned>(row.integer(column++));
    memory.is_alarmed = row.integer(column++) != 0;
    return memory;
}

void ScheduleStore::remember(const std::string& job, const JobMemory& memory) {
    OwnStatement row = database_.prepare(
        "INSERT OR REPLACE INTO jobs VALUES (?, ?, nullif(?, -1), ?, ?, nullif(?, -1), ?, "
        "nullif(?, -1), ?, ?)");
    const PendingRun pending = memory.pending.value_or(PendingRun{});
    int place = 0;
    row.bind(place++, job);
    row.bind(place++, number(memory.looked_at));
    row.bind(place++, memory.pending ? number(pending.due) : -1);
    row.bind(place++, number(pending.begin));
    row.bind(place++, std::int64_t{pending.attempt});
    row.bind(place++, number(memory.past.newest_good));
    row.bind(place++, std::int64_t{memory.past.usual_duration.count()});
    row.bind(place++, number(memory.past.last_end));
    row.bind(place++, std::int64_t{memory.past.failures});
    row.bind(place++, std::int64_t{memory.is_alarmed});
    row.run();
}

void ScheduleStore::forget(const std::string& job) {
    OwnStatement row = database_.prepare("DELETE FROM jobs WHERE name = ?");
    row.bind(0, job).run();
}

std::optional<sys_seconds> ScheduleStore::marked(const std::string& job, std::string_view what) {
    OwnStatement row = database_.prepare("SELECT time FROM marks WHERE job = ? AND what = ?");
    row.bind(0, job).bind(1, what);
    return row.step() ? std::optional(time_of(row.integer(0))) : std::nullopt;
}

void ScheduleStore::mark(const std::string& job, std::string_view what, sys_seconds time) {
    OwnStatement row = database_.prepare("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)");
    row.bind(0, job).bind(1, what).bind(2, number(time));
    row.run();
}

std::int64_t ScheduleStore::add(const JobRun& run) {
    OwnStatement row = database_.prepare(
        "INSERT INTO runs (job, due, last_due, count, attempt, began, ended, status, exit_code, "
        "snapshot, message, hint) VALUES (?, ?, ?, ?, ?, nullif(?, -1), nullif(?, -1), ?, ?, ?, ?, "
        "?)");
    bind_run(row, run);
    row.run();
    return database_.integer("SELECT last_insert_rowid()");
}

void ScheduleStore::update(const JobRun& run) {
    OwnStatement row = database_.prepare(
        "UPDATE runs SET job = ?, due = ?, last_due = ?, count = ?, attempt = ?, "
        "began = nullif(?, -1), ended = nullif(?, -1), status = ?, exit_code = ?, snapshot = ?, "
        "message = ?, hint = ? WHERE id = ?");
    bind_run(row, run);
    constexpr int kId = 12;
    row.bind(kId, run.id);
    row.run();
}

std::optional<JobRun> ScheduleStore::run(std::int64_t id) {
    OwnStatement row =
        database_.prepare(fmt::format("SELECT {} FROM runs WHERE id = ?", kRunColumns));
    row.bind(0, id);
    return row.step() ? std::optional(run_of(row)) : std::nullopt;
}

std::vector<JobRun> ScheduleStore::running() {
    OwnStatement row =
        database_.prepare(fmt::format("SELECT {} FROM runs WHERE status = 0", kRunColumns));
    std::vector<JobRun> runs;
    while (row.step()) {
        runs.push_back(run_of(row));
    }
    return runs;
}

std::vector<JobRun> ScheduleStore::newest(const std::string& job, std::size_t count) {
    OwnStatement row = database_.prepare(
        fmt::format("SELECT {} FROM runs WHERE job = ? ORDER BY id DESC LIMIT ?", kRunColumns));
    row.bind(0, job).bind(1, static_cast<std::int64_t>(count));
    std::vector<JobRun> runs;
    while (row.step()) {
        runs.push_back(run_of(row));
    }
    return runs;
}

void ScheduleStore::trim(sys_seconds time, std::size_t kept) {
    OwnStatement row = database_.prepare(
        "DELETE FROM runs WHERE ended < ? AND id NOT IN (SELECT id FROM (SELECT id, row_number() "
        "OVER (PARTITION BY job ORDER BY id DESC) AS place FROM runs) WHERE place <= ?)");
    row.bind(0, number(time)).bind(1, static_cast<std::int64_t>(kept));
    row.run();
}

}  // namespace dbbackup
