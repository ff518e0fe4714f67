/// @file
/// How a view is opened: with the locks of a reader where that is possible, and otherwise in the
/// ways that the head of view.hpp describes.

#include "base/clock.hpp"
#include "connector/sqlite/permission.hpp"
#include "connector/sqlite/signs.hpp"
#include "connector/sqlite/view.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace dbbackup::sqlite {
namespace {

/// Where the header says whether readers need the write-ahead log, and the value when they do.
/// Source: https://www.sqlite.org/fileformat2.html, section 1.3.3.
constexpr std::size_t kReadVersion = 19;
constexpr std::uint8_t kReadVersionOfLog = 2;

/// Longer than any file system's timestamps need (signs.hpp).
constexpr std::chrono::milliseconds kSettlingMax{5000};
constexpr int kPollMilliseconds = 10;

/// Without locks SQLite reads neither log nor journal: what they hold would be missing.
void refuse_unread_journal(const std::filesystem::path& path) {
    for (const std::string_view suffix : {"-wal", "-journal"}) {
        const std::filesystem::path journal = companion_of(path, suffix);
        const auto facts = facts_of(journal);
        if (facts && facts->size_bytes > 0) {
            throw explained<SourceError>(
                fmt::format("{} holds changes that cannot be read on a read-only medium",
                            journal.native()),
                "Copy the database and this file together to a writable folder, and back up the "
                "copy.",
                "source_unreadable");
        }
    }
}

/// What only the owner, or who can act for him, may do.
SourceError refused(const std::filesystem::path& path, const std::string& what) {
    return explained<SourceError>(
        fmt::format("cannot read {} as user {}: {}", path.native(), this_user(), what),
        run_as_owner_of(path), "source_unreadable");
}

/// Asks again and again, as SQLite does for locks: neither POSIX locks nor timestamps can be waited
/// for together with a stop request. @returns whether it was done in time. @throws Cancelled.
bool poll(const std::function<bool()>& is_done, std::chrono::milliseconds timeout,
          const std::stop_token& stop) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!is_done()) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            return false;
        }
        sqlite3_sleep(kPollMilliseconds);
    }
    return true;
}

bool needs_writing(const SqliteError& error) {
    return error.primary_code() == SQLITE_READONLY || error.primary_code() == SQLITE_CANTOPEN;
}

/// This user may only read the index of a log, and nobody who may write it has it open.
bool is_index_unusable(const SqliteError& error) {
    return error.extended_code() == SQLITE_READONLY_RECOVERY ||
           error.extended_code() == SQLITE_READONLY_CANTINIT;
}

}  // namespace

View::View(const ViewOptions& options, std::stop_token stop) : options_(options) {
    check_reachable(options_.path);
    open(stop);
    read_facts(stop);
    check_readable();
}

void View::open(std::stop_token stop) {
    // Programs open and close the database between one way being found impossible and the next
    // being tried.
    if (!poll([&] { return open_once(stop); }, options_.lock_timeout, stop)) {
        if (obstacle_) {
            throw *obstacle_;
        }
        throw explained<SourceError>(
            fmt::format("{} is opened and closed by other programs all the time",
                        options_.path.native()),
            "Wait longer with a larger --lock-timeout.", "source_locked");
    }
}

bool View::open_once(std::stop_token stop) {
    try {
        connect(OpenOptions::Access::read, stop);
    } catch (const SqliteError& error) {
        if (!needs_writing(error)) {
            throw;
        }
        if (!open_otherwise(error, stop)) {
            return false;
        }
    }
    if (layout_ == Layout::at_rest) {
        return true;
    }
    file_ = database_file(*database_, options_.path);
    log_ = journal_file(*database_, companion_of(options_.path, "-wal"));
    // A reader has no rollback journal open, so what is open is a write-ahead log. Asking
    // `PRAGMA journal_mode` would need a schema that can be read.
    if (log_.is_open()) {
        const bool is_shared = WalIndex::is_shared(file_);
        if (!is_shared && !has_log(options_.path)) {
            return open_at_rest(stop);
        }
        if (!is_shared && is_obstructed()) {
            return false;
        }
        begin_in_log(stop);
    }
    return true;
}

bool View::open_otherwise(const SqliteError& error, std::stop_token stop) {
    // A database that was left with a journal or a log to roll back needs somebody who may write.
    // What that cannot be done on must be a medium that nobody writes to.
    if (nobody_can_write(options_.path)) {
        refuse_unread_journal(options_.path);
        connect(OpenOptions::Access::immutable, stop);
        layout_ = Layout::immutable;
        warnings_.emplace_back("the file is on a read-only medium and was read without locks");
        return true;
    }
    const bool has_journal = may_have_hot_journal(options_.path);
    const bool is_refused = companions_.has_refused();
    if (!has_journal && (is_refused || is_index_unusable(error)) && !has_log(options_.path)) {
        return open_at_rest(stop);
    }
    if (!has_journal && is_refused) {
        if (facts_of(companion_of(options_.path, "-shm"))) {
            return false;  // A program has just made both.
        }
        throw refused(options_.path,
                      "it has a write-ahead log without an index, and if this user made one, its "
                      "owner could not use it");
    }
    if (is_obstructed()) {
        if (!has_journal && is_index_unusable(error)) {
            return false;
        }
        if (has_journal) {
            throw *obstacle_;  // Half of a rollback is no harm, but no use either.
        }
    }
    try {
        connect(OpenOptions::Access::write, stop);
    } catch (const SqliteError& again) {
        if (obstacle_ && needs_writing(again)) {
            throw *obstacle_;
        }
        throw;
    }
    return true;
}

bool View::is_obstructed() {
    // A log that its program left with content, since a reader kept it from copying it back, is
    // read by whoever may only read as soon as a program has it open again.
    obstacle_ = missing_permission(options_.path);
    return obstacle_.has_value();
}

bool View::open_at_rest(std::stop_token stop) {
    const std::filesystem::path& path = options_.path;
    if (!has_local_timestamps(path)) {
        throw refused(path,
                      "its write-ahead log would have to be made, and on this file system only its "
                      "owner may");
    }
    disconnect();
    // SQLite itself neither locks nor looks for a log; SHARED is held through its own handle.
    database_ = std::make_unique<Database>(path,
                                           OpenOptions{.access = OpenOptions::Access::immutable,
                                                       .role = Role::source,
                                                       .lock_timeout = options_.lock_timeout,
                                                       .vfs = {}},
                                           stop);
    file_ = database_file(*database_, path);
    hold_shared(stop);
    FileHeader header{};
    file_.read_at(0, header);
    wait_until_settled(stop);
    if (header[kReadVersion] != kReadVersionOfLog || has_log(path) || may_have_hot_journal(path)) {
        disconnect();
        return false;
    }
    layout_ = Layout::at_rest;
    begin();
    return true;
}

void View::hold_shared(std::stop_token stop) {
    int code = SQLITE_OK;
    const bool is_answered = poll(
        [&] {
            code = file_.handle()->pMethods->xLock(file_.handle(), SQLITE_LOCK_SHARED);
            return (code & 0xff) != SQLITE_BUSY;
        },
        options_.lock_timeout, stop);
    if (!is_answered || code != SQLITE_OK) {
        database_->check(code, "lock");
    }
}

void View::wait_until_settled(std::stop_token stop) {
    const SystemClock clock;
    const bool is_settled_now = poll(
        [&] {
            resting_ = facts_of(options_.path);
            return resting_ && is_settled(*resting_, clock.now());
        },
        kSettlingMax, stop);
    if (!is_settled_now) {
        throw explained<SourceError>(
            fmt::format("{} is changed all the time, or was changed in the future",
                        options_.path.native()),
            "Check the clock, or run as the owner of the database or as root.", "source_locked");
    }
}

void View::connect(OpenOptions::Access access, std::stop_token stop) {
    disconnect();
    companions_.forget_refusal();
    const OpenOptions how{.access = access,
                          .role = Role::source,
                          .lock_timeout = options_.lock_timeout,
                          .vfs = companions_.name()};
    database_ = std::make_unique<Database>(options_.path, how, std::move(stop));
    begin();
}

void View::disconnect() noexcept {
    is_open_ = false;
    start_.reset();
    file_ = FileHandle();
    log_ = FileHandle();
    database_.reset();
}

void View::begin() {
    is_open_ = true;
    began_ = std::chrono::steady_clock::now();
    database_->execute("BEGIN");
    // Takes the read transaction and looks only at the header: nothing to parse, so that the
    // moment between two looks at the wal-index is short.
    try {
        start_ = database_->prepare("PRAGMA schema_version");
        database_->run_once(start_.get());
    } catch (const SqliteError& error) {
        if (error.primary_code() != SQLITE_CORRUPT || !options_.allow_corrupt) {
            throw;
        }
        note_damage(error.what());
        // Makes SQLite open files that are shorter than their header says (lockBtree, btree.c).
        database_->execute("PRAGMA writable_schema=ON");
        database_->run_once(start_.get());
    }
}

bool View::begin_at_known_state(const WalIndex& index) {
    ++attempts_;
    database_->execute("COMMIT");
    const std::optional<WalState> before = index.state();
    database_->execute("BEGIN");
    database_->run_once(start_.get());
    const std::uint32_t copied = index.copied_frames();
    const std::optional<WalState> after = index.state();
    if (!before || before != after) {
        return false;
    }
    wal_state_ = before;
    layout_ = copied == before->frame_count() ? Layout::log_copied : Layout::log_overlay;
    return true;
}

void View::begin_in_log(std::stop_token stop) {
    const WalIndex index(file_);
    const auto deadline = std::chrono::steady_clock::now() + options_.lock_timeout;
    while (!begin_at_known_state(index)) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            throw explained<SourceError>(
                fmt::format("{} is written so often that no moment between two commits was found "
                            "in {} attempts",
                            options_.path.native(), attempts_),
                "Wait longer with a larger --lock-timeout.", "source_locked");
        }
    }
}

}  // namespace dbbackup::sqlite
