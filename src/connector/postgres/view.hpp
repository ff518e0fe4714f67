#pragma once

/// @file
/// One consistent view of a database that several connections share: the leader's transaction, its
/// exported snapshot, and locks that keep the tables from being changed in form.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/tracking.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

struct ViewOptions {
    std::chrono::milliseconds lock_timeout{5000};
};

/// A connection that sees the view.
struct ViewReader {
    ViewReader(const ConnectionInfo& info, std::stop_token stop)
        : connection(info, Role::source, std::move(stop)) {}

    Connection connection;
    std::uint32_t locked = 0;  ///< The oid of the table that it locked last, and still holds.
};

/// The destructor ends every transaction. `reader` and `give_back` may be called by several
/// threads; all else by one.
/// Source: PostgreSQL manual, "Snapshot Synchronization Functions" (9.27.5).
class View {
public:
    /// Takes a view, and a lock in ACCESS SHARE MODE on every table with rows; again if a table was
    /// replaced or dropped between the two.
    /// @param info Borrowed.
    /// @throws SourceError (code "source_locked") when a lock was not had in time.
    View(const ConnectionInfo& info, const ViewOptions& options, std::stop_token stop);

    [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }
    /// For `pg_dump --snapshot`.
    [[nodiscard]] const std::string& snapshot() const { return snapshot_; }
    /// At or after the last change that the view shows.
    [[nodiscard]] Lsn lsn() const { return lsn_; }
    [[nodiscard]] bool is_standby() const { return is_standby_; }
    /// Taken just before the view; nothing before 17.
    [[nodiscard]] const std::optional<SafePair>& pair() const { return pair_; }
    /// All transactions below are in the view, or were rolled back.
    [[nodiscard]] std::uint64_t xmin() const { return xmin_; }
    [[nodiscard]] std::int64_t timeline() const { return timeline_; }
    [[nodiscard]] Connection& leader() { return *leader_; }
    /// For how long it has been held.
    [[nodiscard]] std::chrono::seconds age() const;
    /// How long the locks had to be waited for.
    [[nodiscard]] std::chrono::milliseconds lock_wait() const { return lock_wait_; }

    /// One is made when all others are in use.
    [[nodiscard]] std::unique_ptr<ViewReader> reader(std::stop_token stop);
    void give_back(std::unique_ptr<ViewReader> reader);

private:
    void take_with_locks();
    /// What took so long that somebody must have been in the way.
    void note_wait(std::chrono::steady_clock::duration took);
    /// @return whether the server stayed what it is, a standby or none.
    [[nodiscard]] bool take();
    [[nodiscard]] bool lock_tables();
    /// Of these tables. @return false when one is gone.
    [[nodiscard]] bool lock_some(std::span<const Table> tables);
    [[nodiscard]] bool are_tables_unchanged();

    const ConnectionInfo& info_;
    ViewOptions options_;
    std::unique_ptr<Connection> leader_;
    std::string snapshot_;
    Lsn lsn_;
    bool is_standby_ = false;
    std::optional<SafePair> pair_;
    std::uint64_t xmin_ = 0;
    std::int64_t timeline_ = 0;
    std::chrono::steady_clock::time_point taken_at_;
    std::chrono::milliseconds lock_wait_{0};
    std::vector<Table> tables_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<ViewReader>> idle_;
};

/// Settings under which equal rows give equal text, on every server and for every role; of COPY
/// also `encoding_of_rows`.
void set_text_form(Connection& connection);
/// @param encoding Of the database that the rows are of, where that is not this one.
void set_text_form(Connection& connection, std::string_view encoding);

}  // namespace dbbackup::postgres
