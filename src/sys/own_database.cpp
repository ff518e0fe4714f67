#include "sys/own_database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace dbbackup {
namespace {

/// Steps of SQLite's virtual machine between two looks at the stop token: a few milliseconds.
constexpr int kStepsBetweenLooks = 100'000;

[[noreturn]] void fail(sqlite3* database, int code) {
    const bool is_last = database != nullptr && sqlite3_extended_errcode(database) == code;
    const char* const words = is_last ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    const char* const name = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
    const bool is_named = name != nullptr && *name != '\0';
    throw OwnDatabaseError(
        fmt::format("cannot use {}: {}", is_named ? name : "a temporary database", words), code);
}

bool is_success(int code) { return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE; }

/// SQLite makes files that the umask alone guards, and its logs like the file itself. A file that
/// is there is not opened: closing it would drop the locks that this process has on it.
void make_private_file(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        close(descriptor);
    } else if (errno == EEXIST) {
        static_cast<void>(!chmod(file.c_str(), 0600));  // Not ours: then it may not be usable.
    }
}

}  // namespace

OwnDatabaseError::OwnDatabaseError(std::string message, int sqlite_code)
    : Error(std::move(message)), sqlite_code_(sqlite_code) {}

OwnDatabaseError OwnDatabaseError::damage(std::string message) {
    return {std::move(message), SQLITE_CORRUPT};
}

bool OwnDatabaseError::is_damage() const noexcept {
    const int primary = sqlite_code_ & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT ||
           primary == SQLITE_ERROR || primary == SQLITE_SCHEMA || primary == SQLITE_CONSTRAINT ||
           sqlite_code_ == SQLITE_IOERR_SHORT_READ;
}

void OwnStatement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

OwnStatement& OwnStatement::bind(int place, std::int64_t number) {
    sqlite3_bind_int64(statement_.get(), place + 1, number);
    return *this;
}

OwnStatement& OwnStatement::bind(int place, BytesView bytes) {
    sqlite3_bind_blob64(statement_.get(), place + 1, bytes.data(), bytes.size(), SQLITE_STATIC);
    return *this;
}

OwnStatement& OwnStatement::bind(int place, std::string_view text) {
    sqlite3_bind_text64(statement_.get(), place + 1, text.data(), text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
    return *this;
}

bool OwnStatement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code != SQLITE_DONE) {
        reset();
        database_->check(code);
    }
    return false;
}

void OwnStatement::run() {
    while (step()) {
    }
    reset();
}

void OwnStatement::reset() noexcept { sqlite3_reset(statement_.get()); }

std::int64_t OwnStatement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

BytesView OwnStatement::bytes(int column) const {
    const auto* const first =
        static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
    const auto count = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return first == nullptr ? BytesView{} : BytesView(first, count);
}

std::string OwnStatement::text(int column) const { return std::string(as_text(bytes(column))); }

void OwnDatabase::Close::operator()(sqlite3* database) const noexcept {
    sqlite3_close_v2(database);
}

OwnDatabase::OwnDatabase(const std::filesystem::path& file, std::chrono::milliseconds patience,
                         std::stop_token stop)
    : patience_(std::make_unique<Patience>()) {
    patience_->timeout = patience;
    patience_->stop = std::move(stop);
    make_private_file(file);
    open(file.native());
    check(sqlite3_busy_handler(handle_.get(), &OwnDatabase::wait_for_lock, patience_.get()));
}

OwnDatabase::OwnDatabase(std::stop_token stop) : patience_(std::make_unique<Patience>()) {
    patience_->stop = std::move(stop);
    open("");
}

OwnDatabase::~OwnDatabase() = default;

void OwnDatabase::open(const std::string& name) {
    sqlite3* opened = nullptr;
    const int code =
        sqlite3_open_v2(name.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    handle_.reset(opened);
    check(code);
    sqlite3_extended_result_codes(opened, 1);
    // Whatever a damaged file says, it makes nothing happen but wrong answers and errors.
    check(sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr));
    check(sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr));
    check(sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr));
    check(sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr));
    sqlite3_progress_handler(opened, kStepsBetweenLooks, &OwnDatabase::is_stopped, patience_.get());
    // A mapped file that somebody cuts short is a SIGBUS; reads return an error instead.
    execute("PRAGMA mmap_size=0");
}

int OwnDatabase::wait_for_lock(void* opaque, int calls) {
    auto& patience = *static_cast<Patience*>(opaque);
    const auto now = std::chrono::steady_clock::now();
    if (calls == 0) {
        patience.began = now;
    }
    patience.is_cancelled = patience.stop.stop_requested();
    if (patience.is_cancelled || now - patience.began >= patience.timeout) {
        return 0;
    }
    // POSIX locks cannot be waited for together with a stop request, so SQLite polls too.
    sqlite3_sleep(std::min(1 + calls * 2, 25));
    return 1;
}

int OwnDatabase::is_stopped(void* opaque) {
    auto& patience = *static_cast<Patience*>(opaque);
    patience.is_cancelled = patience.stop.stop_requested();
    return patience.is_cancelled ? 1 : 0;
}

void OwnDatabase::check(int code) const {
    if (is_success(code)) {
        return;
    }
    if (patience_->is_cancelled) {
        throw Cancelled();
    }
    fail(handle_.get(), code);
}

// NOLINTNEXTLINE(readability-make-member-function-const): statements change the database.
void OwnDatabase::execute(const std::string& sql) {
    check(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

// NOLINTNEXTLINE(readability-make-member-function-const): statements change the database.
OwnStatement OwnDatabase::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    OwnStatement prepared(*this, statement);
    check(code);
    return prepared;
}

std::int64_t OwnDatabase::integer(std::string_view sql) {
    OwnStatement statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

// Source: sqlite.org/c3ref/c_dbconfig_defensive.html, SQLITE_DBCONFIG_RESET_DATABASE. Unlike
// removing the file, this keeps to the locks of those who have it open.
void OwnDatabase::erase() {
    sqlite3* const database = handle_.get();
    // The schema has to have been looked at, readable or not.
    sqlite3_exec(database, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
    check(sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, 1, nullptr));
    const int code = sqlite3_exec(database, "VACUUM", nullptr, nullptr, nullptr);
    sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, 0, nullptr);
    check(code);
}

OwnTransaction::OwnTransaction(OwnDatabase& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
}

OwnTransaction::~OwnTransaction() {
    if (is_open_) {
        try {
            database_.execute("ROLLBACK");
        } catch (const std::exception&) {
            // SQLite has undone it by itself, or does so when the connection closes.
        }
    }
}

void OwnTransaction::commit() {
    database_.execute("COMMIT");
    is_open_ = false;
}

}  // namespace dbbackup
