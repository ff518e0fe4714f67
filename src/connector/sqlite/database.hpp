#pragma once

/// @file
/// One SQLite connection: opened, asked and closed; its errors translated; its locks waited for
/// with patience that ends, and that Ctrl-C ends at once.

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace dbbackup::sqlite {

/// Which end of a copy a database is; decides the stable names of its errors.
enum class Role : std::uint8_t { source, target };

/// How a connection is opened.
struct OpenOptions {
    enum class Access : std::uint8_t {
        read,       ///< SQLITE_OPEN_READONLY
        write,      ///< SQLITE_OPEN_READWRITE; never creates the file.
        immutable,  ///< Read without locks: only for files that nobody can write.
    };
    Access access = Access::read;
    Role role = Role::source;
    std::chrono::milliseconds lock_timeout{5000};
    std::string vfs;  ///< Name of a registered sqlite3_vfs; empty: the system's.
};

struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept;
};
struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
};
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// The values of one row of a query.
class Row {
public:
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;  ///< "" for NULL.

private:
    sqlite3_stmt* statement_;
};

/// A connection whose close never checkpoints. One thread at a time. Every call throws
/// `SourceError` with SQLite's own words, or `Cancelled` when `stop` fired while waiting for a
/// lock.
class Database {
public:
    Database(const std::filesystem::path& path, const OpenOptions& options, std::stop_token stop);

    void execute(const std::string& sql);
    [[nodiscard]] StatementHandle prepare(const std::string& sql);
    /// Calls `visit` for each row.
    void query(const std::string& sql, const std::function<void(const Row&)>& visit);
    /// The first column of the first row; 0 or "" without one.
    [[nodiscard]] std::int64_t integer(const std::string& sql);
    [[nodiscard]] std::string text(const std::string& sql);
    /// Steps once and resets, so that the statement took effect but holds nothing.
    void run_once(sqlite3_stmt* statement);

    [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }
    /// The error that SQLite just reported. `doing` names the action: "read".
    [[nodiscard]] SourceError error(int code, std::string_view doing) const;
    /// Throws unless `code` is a success.
    void check(int code, std::string_view doing) const;

private:
    struct Patience {
        std::chrono::milliseconds timeout{};
        std::stop_token stop;
        std::chrono::steady_clock::time_point began;
        bool is_cancelled = false;
    };
    static int wait_for_lock(void* patience, int calls);

    std::filesystem::path path_;
    Role role_;
    std::unique_ptr<Patience> patience_;  // before handle_: SQLite may call back while closing
    DatabaseHandle handle_;
};

/// An error of SQLite itself that keeps the extended result code, for callers that try another
/// way after certain failures.
class SqliteError final : public SourceError {
public:
    SqliteError(std::string message, int extended_code)
        : SourceError(std::move(message)), extended_code_(extended_code) {}
    [[nodiscard]] int extended_code() const noexcept { return extended_code_; }
    /// The primary result code, for example SQLITE_CORRUPT.
    [[nodiscard]] int primary_code() const noexcept { return extended_code_ & 0xff; }

private:
    int extended_code_;
};

/// A file that SQLite itself has open, read with SQLite's own methods. Borrowed: the connection
/// must outlive it. Never open such a file with another descriptor in the same process: closing
/// that one would drop all of SQLite's POSIX locks (fcntl(2), "advisory record locking").
class FileHandle {
public:
    FileHandle() = default;
    FileHandle(sqlite3_file* file, std::filesystem::path path);

    [[nodiscard]] bool is_open() const noexcept;
    [[nodiscard]] std::uint64_t size_bytes() const;
    /// Fills `out` from `offset`; what lies past the end of the file is filled with zeros.
    /// @returns whether all of it was within the file.
    bool read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;
    [[nodiscard]] sqlite3_file* handle() const noexcept { return file_; }

private:
    sqlite3_file* file_ = nullptr;
    std::filesystem::path path_;
};

/// The database file of a connection, and its journal or write-ahead log.
[[nodiscard]] FileHandle database_file(const Database& database, const std::filesystem::path& path);
[[nodiscard]] FileHandle journal_file(const Database& database, const std::filesystem::path& path);

/// "file:/a%20b.db?immutable=1". Source: https://www.sqlite.org/uri.html
[[nodiscard]] std::string uri_of(const std::filesystem::path& path, std::string_view query);

}  // namespace dbbackup::sqlite
