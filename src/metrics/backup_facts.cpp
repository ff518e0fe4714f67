#include "metrics/backup_facts.hpp"

#include "schedule/state_file.hpp"

#include <utility>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr int kVersion = 1;

// What is not known is NULL; times are seconds since 1970.
constexpr const char* kTables = R"(
CREATE TABLE metrics_backups (
    source TEXT NOT NULL, repository TEXT NOT NULL,
    source_configured INTEGER NOT NULL, repository_configured INTEGER NOT NULL,
    last_result INTEGER NOT NULL, last_end INTEGER NOT NULL,
    begun INTEGER, duration_ms INTEGER, bytes_source INTEGER, bytes_read INTEGER, bytes_added INTEGER,
    read_total INTEGER NOT NULL DEFAULT 0, added_total INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, repository)
);
CREATE TABLE metrics_counts (
    source TEXT NOT NULL, repository TEXT NOT NULL, result INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (source, repository, result)
);
CREATE TABLE metrics_repositories (
    repository TEXT PRIMARY KEY, configured INTEGER NOT NULL,
    pack_bytes INTEGER, counted INTEGER, problems INTEGER, verified INTEGER
);
CREATE TABLE metrics_runs (
    job TEXT NOT NULL, status TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (job, status)
);
CREATE TABLE metrics_scheduler (id INTEGER PRIMARY KEY CHECK (id = 1), tick INTEGER NOT NULL))";

constexpr std::int64_t kUnknown = -1;

std::int64_t number(sys_seconds time) { return time.time_since_epoch().count(); }
std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::optional<sys_seconds> time_of(std::int64_t number) {
    return number == kUnknown ? std::nullopt : std::optional(sys_seconds(seconds(number)));
}

std::optional<std::uint64_t> bytes_of(std::int64_t number) {
    return number == kUnknown ? std::nullopt : std::optional(static_cast<std::uint64_t>(number));
}

BackupResult result_of(std::int64_t number) {
    for (const BackupResult result : kBackupResults) {
        if (static_cast<std::int64_t>(result) == number) {
            return result;
        }
    }
    return BackupResult::failed;
}

}  // namespace

std::string_view backup_result_name(BackupResult result) {
    switch (result) {
        case BackupResult::succeeded: return "succeeded";
        case BackupResult::incomplete: return "incomplete";
        case BackupResult::failed: return "failed";
        case BackupResult::interrupted: return "interrupted";
    }
    return "";
}

BackupFacts::BackupFacts(OwnDatabase& database) : database_(database) {
    OwnTransaction transaction(database_);
    if (needs_tables(database_, "metrics", kVersion)) {
        database_.execute(kTables);
    }
    transaction.commit();
}

void BackupFacts::add(const BackupEnd& end) {
    const BackupPlace& place = end.place;
    OwnTransaction transaction(database_);
    OwnStatement row = database_.prepare(
        "INSERT INTO metrics_backups "
        "(source, repository, source_configured, repository_configured, last_result, last_end) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source, repository) DO UPDATE SET "
        "source_configured = excluded.source_configured, "
        "repository_configured = excluded.repository_configured, "
        "last_result = excluded.last_result, last_end = excluded.last_end");
    row.bind(0, place.source).bind(1, place.repository);
    row.bind(2, std::int64_t{place.is_source_configured});
    row.bind(3, std::int64_t{place.is_repository_configured});
    row.bind(4, static_cast<std::int64_t>(end.result)).bind(5, number(end.ended)).run();
    OwnStatement count = database_.prepare(
        "INSERT INTO metrics_counts VALUES (?, ?, ?, 1) "
        "ON CONFLICT (source, repository, result) DO UPDATE SET count = count + 1");
    count.bind(0, place.source).bind(1, place.repository);
    count.bind(2, static_cast<std::int64_t>(end.result)).run();
    if (end.snapshot) {
        add_snapshot(place, *end.snapshot);
    }
    transaction.commit();
}

void BackupFacts::add_snapshot(const BackupPlace& place, const SnapshotFacts& snapshot) {
    OwnStatement row = database_.prepare(
        "UPDATE metrics_backups SET begun = ?, duration_ms = ?, bytes_source = ?, bytes_read = ?, "
        "bytes_added = ?, read_total = read_total + ?, added_total = added_total + ? "
        "WHERE source = ? AND repository = ?");
    row.bind(0, number(snapshot.begun)).bind(1, std::int64_t{snapshot.duration.count()});
    row.bind(2, number(snapshot.bytes_source)).bind(3, number(snapshot.bytes_read));
    row.bind(4, number(snapshot.bytes_added)).bind(5, number(snapshot.bytes_read));
    row.bind(6, number(snapshot.bytes_added)).bind(7, place.source).bind(8, place.repository).run();
    // It grows from what was counted; without that, nobody knows how large it is.
    OwnStatement size = database_.prepare(
        "UPDATE metrics_repositories SET pack_bytes = pack_bytes + ? WHERE repository = ?");
    size.bind(0, number(snapshot.bytes_added)).bind(1, place.repository).run();
}

void BackupFacts::touch_repository(const std::string& repository, bool is_configured) {
    OwnStatement row = database_.prepare(
        "INSERT INTO metrics_repositories (repository, configured) VALUES (?, ?) "
        "ON CONFLICT (repository) DO UPDATE SET configured = excluded.configured");
    row.bind(0, repository).bind(1, std::int64_t{is_configured}).run();
}

void BackupFacts::note(const std::string& repository, bool is_configured, std::string_view update,
                       std::uint64_t value, sys_seconds now) {
    OwnTransaction transaction(database_);
    touch_repository(repository, is_configured);
    OwnStatement row = database_.prepare(update);
    row.bind(0, number(value)).bind(1, number(now)).bind(2, repository).run();
    transaction.commit();
}

void BackupFacts::note_size(const std::string& repository, bool is_configured,
                            std::uint64_t pack_bytes, sys_seconds now) {
    note(repository, is_configured,
         "UPDATE metrics_repositories SET pack_bytes = ?, counted = ? WHERE repository = ?",
         pack_bytes, now);
}

void BackupFacts::note_verified(const std::string& repository, bool is_configured,
                                std::uint64_t problems, sys_seconds now) {
    note(repository, is_configured,
         "UPDATE metrics_repositories SET problems = ?, verified = ? WHERE repository = ?",
         problems, now);
}

void BackupFacts::count_runs(const std::string& job, std::string_view status, std::int64_t count) {
    OwnStatement row = database_.prepare(
        "INSERT INTO metrics_runs VALUES (?, ?, ?) "
        "ON CONFLICT (job, status) DO UPDATE SET count = count + excluded.count");
    row.bind(0, job).bind(1, status).bind(2, count).run();
}

void BackupFacts::note_tick(sys_seconds now) {
    OwnStatement row = database_.prepare(
        "INSERT INTO metrics_scheduler VALUES (1, ?) "
        "ON CONFLICT (id) DO UPDATE SET tick = excluded.tick");
    row.bind(0, number(now)).run();
}

std::vector<BackupHistory> BackupFacts::backups() {
    std::map<std::pair<std::string, std::string>, std::map<BackupResult, std::int64_t>> counts;
    OwnStatement count =
        database_.prepare("SELECT source, repository, result, count FROM metrics_counts");
    while (count.step()) {
        counts[{count.text(0), count.text(1)}][result_of(count.integer(2))] += count.integer(3);
    }
    std::vector<BackupHistory> all;
    OwnStatement row = database_.prepare(
        "SELECT source, repository, source_configured, repository_configured, last_result, "
        "last_end, ifnull(begun, -1), ifnull(duration_ms, 0), ifnull(bytes_source, 0), "
        "ifnull(bytes_read, 0), ifnull(bytes_added, 0), read_total, added_total "
        "FROM metrics_backups ORDER BY source, repository");
    while (row.step()) {
        BackupHistory& history = all.emplace_back();
        BackupEnd& last = history.last;
        last.place = {row.text(0), row.text(1), row.integer(2) != 0, row.integer(3) != 0};
        last.result = result_of(row.integer(4));
        last.ended = sys_seconds(seconds(row.integer(5)));
        if (const std::optional<sys_seconds> begun = time_of(row.integer(6))) {
            history.newest = SnapshotFacts{.begun = *begun,
                                           .duration = milliseconds(row.integer(7)),
                                           .bytes_source = bytes_of(row.integer(8)).value_or(0),
                                           .bytes_read = bytes_of(row.integer(9)).value_or(0),
                                           .bytes_added = bytes_of(row.integer(10)).value_or(0)};
        }
        history.bytes_read_total = bytes_of(row.integer(11)).value_or(0);
        history.bytes_added_total = bytes_of(row.integer(12)).value_or(0);
        history.counts = counts[{last.place.source, last.place.repository}];
    }
    return all;
}

std::vector<RepositoryFacts> BackupFacts::repositories() {
    std::vector<RepositoryFacts> all;
    OwnStatement row = database_.prepare(
        "SELECT repository, configured, ifnull(pack_bytes, -1), ifnull(counted, -1), "
        "ifnull(problems, -1), ifnull(verified, -1) FROM metrics_repositories ORDER BY repository");
    while (row.step()) {
        all.push_back({.repository = row.text(0),
                       .is_configured = row.integer(1) != 0,
                       .pack_bytes = bytes_of(row.integer(2)),
                       .counted = time_of(row.integer(3)),
                       .problems = bytes_of(row.integer(4)),
                       .verified = time_of(row.integer(5))});
    }
    return all;
}

std::map<std::pair<std::string, std::string>, std::int64_t> BackupFacts::run_counts() {
    std::map<std::pair<std::string, std::string>, std::int64_t> counts;
    OwnStatement row = database_.prepare("SELECT job, status, count FROM metrics_runs");
    while (row.step()) {
        counts[{row.text(0), row.text(1)}] = row.integer(2);
    }
    return counts;
}

std::optional<sys_seconds> BackupFacts::last_tick() {
    return time_of(database_.integer("SELECT ifnull(max(tick), -1) FROM metrics_scheduler"));
}

}  // namespace dbbackup
