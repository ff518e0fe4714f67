#include "connector/sqlite/restore_over.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/sqlite/image_file.hpp"
#include "connector/sqlite/reachability.hpp"
#include "connector/sqlite/target_database.hpp"
#include "connector/sqlite/verification.hpp"
#include "connector/sqlite/view.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr std::uint64_t kPagesAStep = 1024;

/// Where the header says whether readers need the write-ahead log, and the value when they do.
/// Source: https://www.sqlite.org/fileformat2.html, section 1.3.3.
constexpr std::size_t kReadVersion = 19;
constexpr std::uint8_t kReadVersionOfLog = 2;
/// Without a log, each commit counts one up here (section 1.3.8).
constexpr std::size_t kChangeCounter = 24;

}  // namespace

void RestoreOver::FinishBackup::operator()(sqlite3_backup* backup) const noexcept {
    sqlite3_backup_finish(backup);  // rolls back unless the last step committed
}

RestoreOver::RestoreOver(Target target, const RestoreRequest& request, const StoredStream& stream,
                         std::chrono::milliseconds lock_timeout)
    : target_(std::move(target)),
      stream_(stream),
      must_be_empty_(target_.kind == TargetKind::empty_file && request.overwrite == Overwrite::no),
      is_verifying_(request.verify),
      lock_timeout_(lock_timeout) {
    plan_.source_version = request.server_version;
    plan_.target_state = state_of(target_);
    make_plan();
}

RestoreOver::~RestoreOver() {
    backup_.reset();
    if (is_log_left_ && database_) {
        // The restore failed: best effort to leave the target as it was.
        sqlite3_exec(database_->handle(), "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    }
}

std::uint64_t RestoreOver::growth_bytes() const {
    return stream_.size_bytes - std::min(stream_.size_bytes, target_.size_bytes);
}

bool RestoreOver::is_done_already() const { return must_be_empty_ && stream_.size_bytes == 0; }

void RestoreOver::make_plan() {
    plan_.overwrites = target_.kind == TargetKind::database;
    plan_.bytes_needed = growth_bytes();
    if (plan_.overwrites) {
        // The old pages go to the rollback journal, or the new ones to the log.
        plan_.bytes_needed += std::max(target_.size_bytes, stream_.size_bytes);
    }
    plan_.bytes_free = target_.bytes_free;
    if (is_verifying_) {
        plan_.bytes_needed += stream_.size_bytes;
        plan_.steps.push_back(fmt::format("Write {} to a file without a name in {}.",
                                          format_size(stream_.size_bytes),
                                          target_.folder.native()));
        plan_.steps.emplace_back("Check every page against the snapshot, and run integrity_check.");
    }
    plan_.steps.push_back(fmt::format(
        "Write {} {} {} in one transaction.", format_size(stream_.size_bytes),
        plan_.overwrites ? "over the database" : "into the empty file", target_.path.native()));
    if (is_verifying_) {
        plan_.steps.emplace_back("Read it back and compare every page.");
    }
    if (target_.is_source) {
        plan_.warnings.push_back(fmt::format(
            "{} is the very database that the snapshot was taken of; what it holds now is lost",
            target_.path.native()));
    }
    if (plan_.bytes_needed > plan_.bytes_free) {
        plan_.warnings.push_back(fmt::format("up to {} are needed, but only {} are free",
                                             format_size(plan_.bytes_needed),
                                             format_size(plan_.bytes_free)));
    }
}

void RestoreOver::apply(StreamReader& stream, std::stop_token stop) {
    refuse_full(target_, growth_bytes() + (is_verifying_ ? stream_.size_bytes : 0));
    if (is_done_already()) {
        return;
    }
    open_target(stop);
    if (is_verifying_) {
        stage(stream, std::move(stop));
    } else {
        copy_all_but_last(stream, StreamVfs::ReadAhead::yes, std::move(stop));
    }
}

void RestoreOver::open_target(std::stop_token stop) {
    database_ = open_for_writing(target_, companions_, lock_timeout_, std::move(stop));
    // Who cannot write to it shall learn that now, not after everything was read.
    database_->execute("BEGIN EXCLUSIVE");
    database_->execute("ROLLBACK");
}

void RestoreOver::stage(StreamReader& stream, std::stop_token stop) {
    try {
        staged_ = File::temporary(target_.folder);
        write_image(*staged_, stream, std::move(stop));
    } catch (const FileError& error) {
        throw target_failed(error);
    }
}

void RestoreOver::prove_and_copy_staged(const Fingerprinter& fingerprinter, std::stop_token stop) {
    try {
        prove_image(*staged_, stream_, fingerprinter,
                    fmt::format("{} is as it was", target_.path.native()), report_.warnings, stop);
        ImageReader image(*staged_, stream_);
        copy_all_but_last(image, StreamVfs::ReadAhead::no, std::move(stop));
    } catch (const FileError& error) {
        throw target_failed(error);
    }
}

void RestoreOver::copy_all_but_last(StreamReader& stream, StreamVfs::ReadAhead read_ahead,
                                    std::stop_token stop) {
    try {
        begin_copy(stream, read_ahead, stop);
        const std::uint64_t pages = stream_.size_bytes / stream_.page_bytes;
        if (pages > 0) {
            step(0);  // takes the write lock; a stream without pages would be committed by it
            refuse_if_filled();
        }
        note_counter();
        for (std::uint64_t done = 0; done + 1 < pages;) {
            if (stop.stop_requested()) {
                throw Cancelled();
            }
            const std::uint64_t now = std::min(kPagesAStep, pages - 1 - done);
            step(static_cast<int>(now));
            done += now;
        }
        vfs_->detach();
    } catch (const SourceError&) {
        if (vfs_) {
            vfs_->rethrow_failure();  // SQLite only knows "disk I/O error"
        }
        throw;
    }
}

void RestoreOver::begin_copy(StreamReader& stream, StreamVfs::ReadAhead read_ahead,
                             std::stop_token stop) {
    refuse_if_filled();
    leave_log_for_other_page_size();
    vfs_ = std::make_unique<StreamVfs>(stream, stop, read_ahead);
    OpenOptions how;
    how.access = OpenOptions::Access::immutable;
    how.role = Role::target;
    how.vfs = vfs_->name();
    try {
        source_ = std::make_unique<Database>("/snapshot", how, std::move(stop));
        static_cast<void>(source_->integer("PRAGMA schema_version"));
    } catch (const SqliteError& error) {
        vfs_->rethrow_failure();
        throw explained<SourceError>(
            fmt::format("SQLite cannot read the database in the snapshot: {}; {} is as it was",
                        sqlite3_errstr(error.extended_code()), target_.path.native()),
            "Restore it to a new path.", "source_corrupt");
    }
    backup_.reset(sqlite3_backup_init(database_->handle(), "main", source_->handle(), "main"));
    if (!backup_) {
        database_->check(sqlite3_extended_errcode(database_->handle()), "write");
    }
}

void RestoreOver::refuse_if_filled() const {
    if (!must_be_empty_) {
        return;
    }
    const auto facts = facts_of(target_.path);
    if (facts && facts->size_bytes > 0) {
        throw explained<ConfigError>(
            fmt::format("the target {} was filled by somebody else meanwhile",
                        target_.path.native()),
            "Restore to another path with --to, or write over it with --clean.",
            "target_not_empty");
    }
}

void RestoreOver::leave_log_for_other_page_size() {
    has_log_ = database_->text("PRAGMA journal_mode") == "wal";
    const auto page_bytes = static_cast<std::uint32_t>(database_->integer("PRAGMA page_size"));
    if (!has_log_ || page_bytes == stream_.page_bytes) {
        return;
    }
    // A log has pages of one size only, so SQLite refuses to change it there.
    std::string why = "another program uses it";
    try {
        is_log_left_ = database_->text("PRAGMA journal_mode=DELETE") == "delete";
    } catch (const SqliteError& error) {
        why = error.what();
    }
    if (!is_log_left_) {
        throw explained<SourceError>(
            fmt::format("cannot change the page size of {} from {} to {} while it uses a "
                        "write-ahead log: {}",
                        target_.path.native(), page_bytes, stream_.page_bytes, why),
            "Close the programs that have it open, or restore to a new path.", "target_locked");
    }
    has_log_ = false;
}

void RestoreOver::step(int pages) {
    const int code = sqlite3_backup_step(backup_.get(), pages);
    database_->check(code, "write");
}

RestoreReport RestoreOver::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (is_done_already()) {
        report_.is_verified = is_verifying_;
        return std::move(report_);
    }
    if (staged_) {
        prove_and_copy_staged(fingerprinter, stop);
    }
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    commit();
    const std::uint32_t version = data_version();
    // Without waiting for anybody; other programs go on with it in their own time. Reading back
    // needs no list of the log's pages then, which would be as long as the database.
    sqlite3_wal_checkpoint_v2(database_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr,
                              nullptr);
    if (is_verifying_) {
        read_back(version, fingerprinter, std::move(stop));
    }
    return_to_log();
    return std::move(report_);
}

void RestoreOver::commit() {
    step(-1);
    const int code = sqlite3_backup_finish(backup_.release());
    database_->check(code, "write");
    report_.bytes_written = stream_.size_bytes;
}

std::uint32_t RestoreOver::data_version() const {
    unsigned version = 0;
    database_->check(
        sqlite3_file_control(database_->handle(), "main", SQLITE_FCNTL_DATA_VERSION, &version),
        "read");
    return version;
}

void RestoreOver::read_back(std::uint32_t version, const Fingerprinter& fingerprinter,
                            std::stop_token stop) {
    const std::string restored = fmt::format(
        "{} holds the restored snapshot, which was proven "
        "before; it was not read back: ",
        target_.path.native());
    try {
        compare_with_target(version, fingerprinter, stop);
        if (!report_.is_verified) {
            report_.warnings.push_back(restored + "another program has written to it since");
        }
    } catch (const SourceError& error) {
        if (error.code() != "source_locked" && error.code() != "target_locked" &&
            error.code() != "view_lost") {
            throw explained<SourceError>(fmt::format("{} was replaced, but cannot be read back: {}",
                                                     target_.path.native(), error.what()),
                                         "Check its disk, and restore again or to another one.",
                                         "target_failed");
        }
        report_.warnings.push_back(restored + error.what());
    } catch (const Cancelled&) {
        report_.warnings.push_back(restored + "interrupted");
    }
}

void RestoreOver::note_counter() {
    if (!has_log_) {
        FileHeader header{};
        database_file(*database_, target_.path).read_at(0, header);
        counter_of_commit_ = header_field(header, kChangeCounter) + 1;
    }
}

bool RestoreOver::shows_our_commit(const View& view, std::uint32_t version) {
    if (!has_log_) {
        return header_field(view.file_header(), kChangeCounter) == counter_of_commit_;
    }
    // This takes a read lock, and so notices whatever others committed since our commit. The view
    // is older than this look.
    static_cast<void>(database_->integer("PRAGMA schema_version"));
    return data_version() == version;
}

void RestoreOver::compare_with_target(std::uint32_t version, const Fingerprinter& fingerprinter,
                                      std::stop_token stop) {
    View view({.path = target_.path, .allow_corrupt = true, .lock_timeout = lock_timeout_}, stop);
    if (!shows_our_commit(view, version)) {
        return;
    }
    report_.is_verified =
        has_pages_of(view, stream_, vfs_->first_page(), fingerprinter, std::move(stop));
    // A snapshot with a log brings the log with it, and commits there do not count.
    const bool may_be_of_others = !has_log_ && view.wal_state().has_value();
    if (!report_.is_verified && !may_be_of_others) {
        throw CorruptionError(fmt::format(
            "{} was replaced, but what is read from it now is not the database of the snapshot",
            target_.path.native()));
    }
}

void RestoreOver::return_to_log() {
    // SQLite keeps a log that the target has; otherwise the copied header decides.
    const BytesView first = vfs_->first_page();
    const bool is_log_wanted =
        is_log_left_ || (!first.empty() && first[kReadVersion] == kReadVersionOfLog);
    is_log_left_ = false;
    if (is_log_wanted) {
        try {
            static_cast<void>(database_->text("PRAGMA journal_mode=WAL"));
        } catch (const std::exception& error) {  // Cancelled too: the snapshot stands by now.
            report_.warnings.push_back(fmt::format("{} is left without a write-ahead log: {}",
                                                   target_.path.native(), error.what()));
        }
    }
    // When nobody else has it open, closing removes the log, which may be as large as the database.
    sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

}  // namespace dbbackup::sqlite
