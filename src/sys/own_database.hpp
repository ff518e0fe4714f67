#pragma once

/// @file
/// A SQLite database of the program's own, such as a cache. The user's databases are the SQLite
/// connector's: nothing here ever opens one.

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace dbbackup {

class OwnDatabase;

/// SQLite refused. Who uses the database decides what that means: a cache does without it.
class OwnDatabaseError final : public Error {
public:
    OwnDatabaseError(std::string message, int sqlite_code);
    /// What SQLite could not notice.
    [[nodiscard]] static OwnDatabaseError damage(std::string message);

    /// The content is no database, or not a whole one.
    [[nodiscard]] bool is_damage() const noexcept;

private:
    int sqlite_code_;
};

/// A prepared statement. Its values are numbered from 0, its columns too. Move-only; goes before
/// its database.
class OwnStatement {
public:
    /// Binds the next execution's value. `bytes` is borrowed until `reset` or `run`.
    OwnStatement& bind(int place, std::int64_t number);
    OwnStatement& bind(int place, BytesView bytes);
    OwnStatement& bind(int place, std::string_view text);

    /// Whether there is a further row.
    [[nodiscard]] bool step();
    /// Executes what has no rows, or whose rows are of no interest, and resets.
    void run();
    /// Ends the execution, so that it holds no lock.
    void reset() noexcept;

    [[nodiscard]] std::int64_t integer(int column) const;
    /// Valid until the next step.
    [[nodiscard]] BytesView bytes(int column) const;
    [[nodiscard]] std::string text(int column) const;

private:
    friend class OwnDatabase;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    OwnStatement(const OwnDatabase& database, sqlite3_stmt* statement)
        : database_(&database), statement_(statement) {}

    const OwnDatabase* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. One thread at a time. Everything throws OwnDatabaseError, and Cancelled when the
/// stop token fired while a lock of another process was waited for or much was to do.
class OwnDatabase {
public:
    /// Opens the file, or makes it: only its owner may read it.
    /// @param patience How long a lock of another process is waited for.
    OwnDatabase(const std::filesystem::path& file, std::chrono::milliseconds patience,
                std::stop_token stop);
    /// One without a name that goes when it is closed. It stays in memory while it is small.
    explicit OwnDatabase(std::stop_token stop);
    ~OwnDatabase();
    OwnDatabase(const OwnDatabase&) = delete;
    OwnDatabase& operator=(const OwnDatabase&) = delete;

    void execute(const std::string& sql);
    [[nodiscard]] OwnStatement prepare(std::string_view sql);
    /// The first column of the first row; 0 without one.
    [[nodiscard]] std::int64_t integer(std::string_view sql);

    /// Makes it an empty database, whatever is in the file, and whoever else has it open.
    void erase();

private:
    friend class OwnStatement;
    struct Patience {
        std::chrono::milliseconds timeout{};
        std::stop_token stop;
        std::chrono::steady_clock::time_point began;
        bool is_cancelled = false;
    };
    struct Close {
        void operator()(sqlite3* database) const noexcept;
    };
    static int wait_for_lock(void* opaque, int calls);
    static int is_stopped(void* opaque);
    void open(const std::string& name);
    void check(int code) const;

    std::unique_ptr<Patience> patience_;  ///< Has to stay where SQLite knows it to be.
    std::unique_ptr<sqlite3, Close> handle_;
};

/// A transaction that is undone unless it is committed. One at a time.
class OwnTransaction {
public:
    /// Waits for other writers, so that what is read within is what will be changed.
    explicit OwnTransaction(OwnDatabase& database);
    ~OwnTransaction();
    OwnTransaction(const OwnTransaction&) = delete;
    OwnTransaction& operator=(const OwnTransaction&) = delete;

    void commit();

private:
    OwnDatabase& database_;
    bool is_open_ = true;
};

}  // namespace dbbackup
