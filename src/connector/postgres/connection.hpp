#pragma once

/// @file
/// One connection to a PostgreSQL server: opened, asked and closed; its errors translated; every
/// wait ended by Ctrl-C, which also ends what the server is doing for us.

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "connector/postgres/connection_info.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace dbbackup::postgres {

/// Which end of a copy a server is; decides the stable names of its errors.
enum class Role : std::uint8_t { source, target };

/// The server's own words. Keeps the SQLSTATE, for callers that try another way.
/// Source: PostgreSQL manual, appendix A.
class ServerError final : public SourceError {
public:
    ServerError(std::string message, std::string sqlstate)
        : SourceError(std::move(message)), sqlstate_(std::move(sqlstate)) {}
    /// Five characters; "" when the connection itself failed.
    [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

private:
    std::string sqlstate_;
};

/// Whether the steps of something are transactions of their own, or in one that the caller began.
enum class Commits : bool { never, often };

struct FreeResult {
    void operator()(pg_result* result) const noexcept;
};

/// The rows of one query, as text.
class Rows {
public:
    explicit Rows(std::unique_ptr<pg_result, FreeResult> result) : result_(std::move(result)) {}
    [[nodiscard]] int count() const;
    [[nodiscard]] bool is_null(int row, int column) const;
    [[nodiscard]] std::string_view text(int row, int column) const;  ///< "" for NULL.
    [[nodiscard]] std::int64_t integer(int row, int column) const;   ///< 0 for NULL.
    [[nodiscard]] bool flag(int row, int column) const;              ///< false for NULL.

private:
    std::unique_ptr<pg_result, FreeResult> result_;
};

/// One thread at a time. Every call throws `ServerError`, or `Cancelled` when `stop` fired.
/// The destructor closes: the server ends the transaction and drops its locks.
class Connection {
public:
    Connection(const ConnectionInfo& info, Role role, std::stop_token stop);
    ~Connection();
    Connection(Connection&&) = delete;
    Connection& operator=(Connection&&) = delete;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// One or several commands without a result.
    void execute(const std::string& sql);
    /// One command. Parameters are $1, $2 …, as text.
    [[nodiscard]] Rows query(const std::string& sql,
                             std::initializer_list<std::string_view> parameters = {});
    /// One command that changes rows. @return how many.
    std::uint64_t change(const std::string& sql);
    /// The first column of the only row.
    [[nodiscard]] std::string text(const std::string& sql);

    /// Whole rows, and where each one ends: text with its line feed.
    using VisitRows = std::function<void(BytesView rows, std::span<const std::uint32_t> row_ends)>;

    /// COPY … TO STDOUT of text. `visit` is called with many rows at once, in the order in which
    /// they come. An exception in it ends the command on the server.
    /// @return the number of rows that the server says it sent.
    std::uint64_t copy_out(const std::string& sql, const VisitRows& visit);
    /// COPY … FROM STDIN. `give` returns the next part, cut anywhere, and an empty one at the end.
    /// An exception in it makes the server forget all of it.
    /// @return the number of rows that the server took.
    std::uint64_t copy_in(const std::string& sql, const std::function<BytesView()>& give);

    /// Nothing more can be asked: the server, its process for us or the network went away.
    [[nodiscard]] bool is_lost() const;

    /// 170011 for 17.11.
    [[nodiscard]] int server_version() const;
    [[nodiscard]] int server_major() const { return server_version() / 10000; }
    /// As the server reports it: server_version, server_encoding, in_hot_standby …
    [[nodiscard]] std::string parameter(const char* name) const;
    /// The server's name or address, or the folder of its socket.
    [[nodiscard]] std::string host() const;
    [[nodiscard]] std::string database() const;

private:
    struct Close {
        void operator()(pg_conn* connection) const noexcept;
    };
    using Result = std::unique_ptr<pg_result, FreeResult>;

    void open(const ConnectionInfo& info);
    /// Until the socket is ready for `events` of poll(2). @throws Cancelled, after it has asked the
    /// server to end the command.
    void wait(short events);
    /// @return whether it was ready before `deadline`.
    [[nodiscard]] bool wait_until(short events, std::chrono::steady_clock::time_point deadline);
    /// @throws Cancelled, as `wait`.
    void throw_if_stopped();
    void cancel() noexcept;
    void flush();
    /// Nothing after the last one.
    [[nodiscard]] Result next_result();
    /// The last result of the command; the first failure is thrown after all were taken.
    [[nodiscard]] Result last_result();
    [[nodiscard]] ServerError connection_error(std::string_view doing) const;
    [[nodiscard]] std::string unreachable() const;
    void send_copy_data(BytesView part);
    /// Adds the rows that have come to `rows_`, up to kBatchBytes and one row more.
    /// @return false when there are no more.
    [[nodiscard]] bool take_rows();
    void visit_rows(const VisitRows& visit);

    Role role_;
    std::stop_token stop_;
    std::unique_ptr<pg_conn, Close> handle_;
    Bytes rows_;  ///< Of a copy, the first `rows_bytes_`; the rest is room.
    std::size_t rows_bytes_ = 0;
    std::vector<std::uint32_t> row_ends_;
};

}  // namespace dbbackup::postgres
