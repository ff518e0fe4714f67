#include "connector/sqlite/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace dbbackup::sqlite {
namespace {

/// SQLite's words for `code`; those of the connection when they belong to this very error.
std::string words_of(sqlite3* database, int code) {
    if (database != nullptr && sqlite3_extended_errcode(database) == code) {
        return sqlite3_errmsg(database);
    }
    return sqlite3_errstr(code);
}

struct Explanation {
    std::string_view code;
    std::string_view hint;
};

Explanation explain(int primary_code, Role role) {
    const bool is_source = role == Role::source;
    switch (primary_code) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
            return {is_source ? "source_locked" : "target_locked",
                    "Another program holds a lock; try again when it is done, or wait longer "
                    "with a larger --lock-timeout."};
        case SQLITE_NOTADB:
            return {"not_a_database",
                    "Check the path; encrypted databases must be backed up by the program that "
                    "can open them."};
        case SQLITE_CORRUPT:
            return {is_source ? "source_corrupt" : "target_corrupt",
                    is_source ? "Repair it, restore an earlier snapshot, or back up what is there "
                                "with --allow-corrupt."
                              : "Move the damaged file away and restore to a new path."};
        case SQLITE_FULL: return {is_source ? "" : "target_full", "Free some space and try again."};
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
            return {is_source ? "source_unreadable" : "target_not_writable",
                    "Check the permissions of the file and of its folder."};
        default: return {};
    }
}

}  // namespace

void CloseDatabase::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

void FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Row::text(int column) const {
    // UTF-8 whatever the encoding of the database; the length is asked for after the conversion.
    const auto* const bytes =
        reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string() : std::string(bytes, length);
}

std::string uri_of(const std::filesystem::path& path, std::string_view query) {
    std::string uri = "file:";
    for (const char c : path.native()) {
        if (c == '%' || c == '?' || c == '#') {
            uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        } else {
            uri += c;
        }
    }
    if (!query.empty()) {
        uri += '?';
        uri += query;
    }
    return uri;
}

Database::Database(const std::filesystem::path& path, const OpenOptions& options,
                   std::stop_token stop)
    : path_(path), role_(options.role), patience_(std::make_unique<Patience>()) {
    patience_->timeout = options.lock_timeout;
    patience_->stop = std::move(stop);

    const bool is_immutable = options.access == OpenOptions::Access::immutable;
    const int access =
        options.access == OpenOptions::Access::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    const std::string uri = uri_of(path, is_immutable ? "immutable=1" : "");
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(uri.c_str(), &opened, access | SQLITE_OPEN_URI,
                                     options.vfs.empty() ? nullptr : options.vfs.c_str());
    handle_.reset(opened);
    check(code == SQLITE_OK ? code : sqlite3_extended_errcode(opened), "open");
    sqlite3_extended_result_codes(opened, 1);
    // The last connection to close would otherwise move the write-ahead log into the user's file.
    check(sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr), "configure");
    check(sqlite3_busy_handler(opened, &Database::wait_for_lock, patience_.get()), "configure");
    // A mapped file that somebody truncates is a SIGBUS; reads return an error instead.
    execute("PRAGMA mmap_size=0");
}

int Database::wait_for_lock(void* opaque, int calls) {
    auto& patience = *static_cast<Patience*>(opaque);
    const auto now = std::chrono::steady_clock::now();
    if (calls == 0) {
        patience.began = now;
    }
    if (patience.stop.stop_requested()) {
        patience.is_cancelled = true;
        return 0;
    }
    if (now - patience.began >= patience.timeout) {
        return 0;
    }
    // POSIX locks cannot be waited for together with a stop request, so SQLite polls too.
    sqlite3_sleep(std::min(1 + calls * 2, 25));
    return 1;
}

SourceError Database::error(int code, std::string_view doing) const {
    const int primary = code & 0xff;
    std::string words = words_of(handle_.get(), code);
    if (primary == SQLITE_NOTADB) {
        words = "not a database, or encrypted by an extension";
    }
    const Explanation explanation = explain(primary, role_);
    SourceError result(fmt::format("cannot {} {}: {}", doing, path_.native(), words));
    result.set_code(std::string(explanation.code));
    result.set_hint(std::string(explanation.hint));
    return result;
}

void Database::check(int code, std::string_view doing) const {
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) {
        return;
    }
    if (patience_->is_cancelled) {
        throw Cancelled();
    }
    const SourceError plain = error(code, doing);
    SqliteError detailed(plain.what(), code);
    detailed.set_code(plain.code());
    detailed.set_hint(plain.hint());
    throw detailed;
}

// NOLINTNEXTLINE(readability-make-member-function-const): statements change the database.
void Database::execute(const std::string& sql) {
    check(sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr), "use");
}

// NOLINTNEXTLINE(readability-make-member-function-const): statements change the database.
StatementHandle Database::prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(handle(), sql.c_str(), static_cast<int>(sql.size()), &statement,
                             nullptr),
          "read");
    return StatementHandle(statement);
}

void Database::query(const std::string& sql, const std::function<void(const Row&)>& visit) {
    const StatementHandle statement = prepare(sql);
    int code = SQLITE_OK;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        visit(Row(statement.get()));
    }
    check(code, "read");
}

std::int64_t Database::integer(const std::string& sql) {
    std::int64_t value = 0;
    query(sql, [&](const Row& row) { value = row.integer(0); });
    return value;
}

std::string Database::text(const std::string& sql) {
    std::string value;
    query(sql, [&](const Row& row) { value = row.text(0); });
    return value;
}

// NOLINTNEXTLINE(readability-make-member-function-const): statements change the database.
void Database::run_once(sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    check(code, "read");
}

FileHandle::FileHandle(sqlite3_file* file, std::filesystem::path path)
    : file_(file), path_(std::move(path)) {}

bool FileHandle::is_open() const noexcept { return file_ != nullptr && file_->pMethods != nullptr; }

std::uint64_t FileHandle::size_bytes() const {
    sqlite3_int64 size = 0;
    const int code = file_->pMethods->xFileSize(file_, &size);
    if (code != SQLITE_OK) {
        throw SourceError(
            fmt::format("cannot read the size of {}: {}", path_.native(), sqlite3_errstr(code)));
    }
    return static_cast<std::uint64_t>(size);
}

bool FileHandle::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
    const int code = file_->pMethods->xRead(file_, out.data(), static_cast<int>(out.size()),
                                            static_cast<sqlite3_int64>(offset));
    if (code == SQLITE_OK) {
        return true;
    }
    if (code == SQLITE_IOERR_SHORT_READ) {
        return false;
    }
    int system_error = 0;
    file_->pMethods->xFileControl(file_, SQLITE_FCNTL_LAST_ERRNO, &system_error);
    throw SourceError(fmt::format("cannot read {} at byte {}: {}{}{}", path_.native(), offset,
                                  sqlite3_errstr(code), system_error == 0 ? "" : ": ",
                                  system_error == 0 ? "" : std::strerror(system_error)));
}

namespace {

FileHandle handle_of(const Database& database, const std::filesystem::path& path, int operation) {
    sqlite3_file* file = nullptr;
    database.check(
        sqlite3_file_control(database.handle(), "main", operation, static_cast<void*>(&file)),
        "read");
    return {file, path};
}

}  // namespace

FileHandle database_file(const Database& database, const std::filesystem::path& path) {
    return handle_of(database, path, SQLITE_FCNTL_FILE_POINTER);
}

FileHandle journal_file(const Database& database, const std::filesystem::path& path) {
    return handle_of(database, path, SQLITE_FCNTL_JOURNAL_POINTER);
}

}  // namespace dbbackup::sqlite
