#include "connector/sqlite/restore_over.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/sqlite/spool.hpp"
#include "connector/sqlite/verification.hpp"
#include "connector/sqlite/view.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr std::uint64_t kPagesAStep = 1024;

}  // namespace

void RestoreOver::FinishBackup::operator()(sqlite3_backup* backup) const noexcept {
    sqlite3_backup_finish(backup);  // rolls back unless the last step committed
}

RestoreOver::RestoreOver(Target target, const RestoreRequest& request, const StoredStream& stream,
                         std::chrono::milliseconds lock_timeout)
    : target_(std::move(target)),
      stream_(stream),
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

void RestoreOver::make_plan() {
    plan_.overwrites = true;
    // The old pages go to the rollback journal (or the new ones to the log) and the file grows.
    plan_.bytes_needed =
        std::max(target_.size_bytes, stream_.size_bytes) +
        (stream_.size_bytes > target_.size_bytes ? stream_.size_bytes - target_.size_bytes : 0);
    plan_.bytes_free = target_.bytes_free;
    plan_.steps.push_back(fmt::format("Write {} over the database {} in one transaction.",
                                      format_size(stream_.size_bytes), target_.path.native()));
    if (is_verifying_) {
        plan_.steps.emplace_back("Check every page against the snapshot, and run integrity_check.");
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

void RestoreOver::open(StreamReader& stream, std::stop_token stop) {
    OpenOptions how;
    how.access = OpenOptions::Access::write;
    how.role = Role::target;
    how.lock_timeout = lock_timeout_;
    database_ = std::make_unique<Database>(target_.path, how, stop);
    leave_log_for_other_page_size();

    vfs_ = std::make_unique<StreamVfs>(stream, stop);
    how.access = OpenOptions::Access::immutable;
    how.vfs = vfs_->name();
    source_ = std::make_unique<Database>("/snapshot", how, stop);
    backup_.reset(sqlite3_backup_init(database_->handle(), "main", source_->handle(), "main"));
    if (!backup_) {
        database_->check(sqlite3_extended_errcode(database_->handle()), "write");
    }
}

void RestoreOver::leave_log_for_other_page_size() {
    const bool is_log = database_->text("PRAGMA journal_mode") == "wal";
    const auto page_bytes = static_cast<std::uint32_t>(database_->integer("PRAGMA page_size"));
    if (!is_log || page_bytes == stream_.page_bytes) {
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
}

void RestoreOver::step(int pages) {
    const int code = sqlite3_backup_step(backup_.get(), pages);
    database_->check(code, "write");
}

void RestoreOver::apply(StreamReader& stream, std::stop_token stop) {
    try {
        copy_all_but_last(stream, std::move(stop));
    } catch (const SourceError&) {
        if (vfs_) {
            vfs_->rethrow_failure();  // SQLite only knows "disk I/O error"
        }
        throw;
    }
}

void RestoreOver::copy_all_but_last(StreamReader& stream, std::stop_token stop) {
    open(stream, stop);
    const std::uint64_t pages = stream_.size_bytes / stream_.page_bytes;
    for (std::uint64_t done = 0; done + 1 < pages;) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        const std::uint64_t now = std::min(kPagesAStep, pages - 1 - done);
        step(static_cast<int>(now));
        done += now;
    }
    vfs_->detach();
}

RestoreReport RestoreOver::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    step(-1);
    const int code = sqlite3_backup_finish(backup_.release());
    database_->check(code, "write");
    is_log_left_ = false;
    report_.bytes_written = stream_.size_bytes;
    if (is_verifying_) {
        verify(fingerprinter, std::move(stop));
        report_.is_verified = true;
    }
    // Without waiting for anybody; other programs go on with it in their own time.
    sqlite3_wal_checkpoint_v2(database_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr,
                              nullptr);
    return std::move(report_);
}

void RestoreOver::verify(const Fingerprinter& fingerprinter, std::stop_token stop) {
    check_integrity(*database_, target_.path, report_.warnings, stop);
    View view({.path = target_.path, .allow_corrupt = false, .lock_timeout = lock_timeout_}, stop);
    Fingerprint sum;
    bool is_same = stream_.size_bytes == 0 || view.size_bytes() == stream_.size_bytes;
    Bytes block;
    for (std::uint64_t offset = 0; is_same && offset < stream_.size_bytes; offset += kBlockBytes) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        block.resize(std::min(kBlockBytes, stream_.size_bytes - offset));
        view.read_pages(offset / stream_.page_bytes, block);
        if (offset == 0) {
            const auto first = std::span(block).first(stream_.page_bytes);
            is_same = is_same_first_page(vfs_->first_page(), first);
            std::copy(vfs_->first_page().begin(), vfs_->first_page().end(), first.begin());
        }
        sum += fingerprinter.of_pages(block, stream_.page_bytes, offset / stream_.page_bytes);
    }
    if (!is_same || sum != stream_.fingerprint) {
        throw CorruptionError(
            fmt::format("the pages of {} are not those of the snapshot", target_.path.native()));
    }
}

}  // namespace dbbackup::sqlite
