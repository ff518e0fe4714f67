#include "connector/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// How long a stop may go unnoticed.
constexpr int kWaitMs = 100;

/// On one line.
std::string trimmed(const char* text) {
    std::string result;
    for (const char character : std::string_view(text == nullptr ? "" : text)) {
        const bool is_blank = character == '\n' || character == '\t' || character == ' ';
        if (!is_blank) {
            result += character;
        } else if (!result.empty() && result.back() != ' ') {
            result += ' ';
        }
    }
    if (result.ends_with(' ')) {
        result.pop_back();
    }
    return result;
}

std::string field(const PGresult* result, int code) {
    return trimmed(PQresultErrorField(result, code));
}

ServerError error_of(const PGresult* result) {
    std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message.empty()) {
        message = trimmed(PQresultErrorMessage(result));
    }
    const std::string detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    const std::string hint = field(result, PG_DIAG_MESSAGE_HINT);
    ServerError error(
        fmt::format("the server says: {}{}{}", message, detail.empty() ? "" : " ", detail),
        field(result, PG_DIAG_SQLSTATE));
    if (!hint.empty()) {
        error.set_hint(hint.ends_with('.') ? hint : hint + '.');
    }
    return error;
}

/// `connect_timeout` of the user, for each of the hosts that are tried one after another; 0 is no
/// limit. Source: PostgreSQL manual, 34.1.2.
std::chrono::seconds connect_patience(const ConnectionInfo& info) {
    constexpr std::chrono::seconds kDefault{15};
    constexpr std::chrono::seconds kNoLimit{std::chrono::hours(24)};
    const std::string told = info.value("connect_timeout");
    std::int64_t seconds = kDefault.count();
    std::from_chars(told.data(), told.data() + told.size(), seconds);
    if (seconds <= 0) {
        return kNoLimit;
    }
    const std::string hosts = info.value("host") + info.value("hostaddr");
    return std::min(kNoLimit, std::chrono::seconds(seconds) *
                                  (1 + std::count(hosts.begin(), hosts.end(), ',')));
}

/// Since then a server looks, while it works for us, whether we are still there, and may end who is
/// idle outside of a transaction. Source: PostgreSQL manual, 19.3.2 "TCP Settings", 19.11.1.
constexpr int kFirstWithClientCheck = 14;
/// Since then it may end transactions that take long, which a view does. Source: the same, of 17.
constexpr int kFirstWithTransactionTimeout = 17;

/// A text with the password in it, overwritten before it goes.
class PlainPassword {
public:
    explicit PlainPassword(const Secret& secret) : text_(as_text(secret.bytes())) {}
    ~PlainPassword() {
        wipe({reinterpret_cast<std::uint8_t*>(text_.data()), text_.size()});  // NOLINT
    }
    PlainPassword(const PlainPassword&) = delete;
    PlainPassword& operator=(const PlainPassword&) = delete;
    [[nodiscard]] const char* text() const { return text_.c_str(); }

private:
    std::string text_;
};

}  // namespace

void FreeResult::operator()(pg_result* result) const noexcept { PQclear(result); }
void Connection::Close::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

int Rows::count() const { return PQntuples(result_.get()); }
bool Rows::is_null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
}
std::string_view Rows::text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
std::int64_t Rows::integer(int row, int column) const {
    const std::string_view value = text(row, column);
    std::int64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
}
bool Rows::flag(int row, int column) const { return text(row, column) == "t"; }

Connection::Connection(const ConnectionInfo& info, Role role, std::stop_token stop)
    : role_(role), stop_(std::move(stop)) {
    open(info);
    // What the program does not say itself may come from the role or the database. A search path is
    // an attack: functions of others would run with our rights (CVE-2018-1058).
    std::string settings =
        "SET search_path = ''; SET standard_conforming_strings = on; SET statement_timeout = 0; "
        "SET idle_in_transaction_session_timeout = 0; ";
    // A backup waits for nobody without end, who might wait for it.
    settings += role_ == Role::source ? "SET lock_timeout = '1min'" : "SET lock_timeout = 0";
    if (server_major() >= kFirstWithClientCheck) {
        settings += "; SET client_connection_check_interval = '10s'; SET idle_session_timeout = 0";
    }
    if (server_major() >= kFirstWithTransactionTimeout) {
        settings += "; SET transaction_timeout = 0";
    }
    execute(settings);
}

Connection::~Connection() = default;

void Connection::open(const ConnectionInfo& info) {
    std::vector<const char*> names;
    std::vector<const char*> values;
    const auto add = [&](const char* name, const char* value) {
        names.push_back(name);
        values.push_back(value);
    };
    add("fallback_application_name", "db-backup");
    for (const auto& [name, value] : info.keywords()) {
        add(name.c_str(), value.c_str());
    }
    const PlainPassword password(info.password());
    if (!info.password().empty()) {
        add("password", password.text());
    }
    add(nullptr, nullptr);
    handle_.reset(PQconnectStartParams(names.data(), values.data(), 0));
    if (!handle_) {
        throw Error("libpq has no memory for a connection");
    }
    // PQconnectPoll has no limit of its own.
    const std::chrono::seconds patience = connect_patience(info);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (PostgresPollingStatusType status = PGRES_POLLING_WRITING;;) {
        if (PQstatus(handle_.get()) == CONNECTION_BAD || status == PGRES_POLLING_FAILED) {
            throw connection_error("cannot connect to the server");
        }
        if (status == PGRES_POLLING_OK) {
            break;
        }
        if (!wait_until(status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
            ServerError error(fmt::format("cannot connect to the server: no answer within {} s",
                                          patience.count()),
                              "");
            error.set_code(unreachable());
            throw error;
        }
        status = PQconnectPoll(handle_.get());
    }
    PQsetnonblocking(handle_.get(), 1);
    PQsetNoticeProcessor(handle_.get(), [](void*, const char*) {}, nullptr);
}

void Connection::wait(short events) {
    static_cast<void>(wait_until(events, std::chrono::steady_clock::time_point::max()));
}

bool Connection::wait_until(short events, std::chrono::steady_clock::time_point deadline) {
    pollfd waiting{PQsocket(handle_.get()), events, 0};
    while (std::chrono::steady_clock::now() < deadline) {
        throw_if_stopped();
        const int ready = ::poll(&waiting, 1, kWaitMs);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;
        }
    }
    return false;
}

void Connection::throw_if_stopped() {
    if (stop_.stop_requested()) {
        cancel();
        throw Cancelled();
    }
}

void Connection::cancel() noexcept {
    PGcancel* const request = PQgetCancel(handle_.get());
    if (request != nullptr) {
        std::array<char, 256> why{};
        PQcancel(request, why.data(), static_cast<int>(why.size()));
        PQfreeCancel(request);
    }
}

void Connection::flush() {
    for (;;) {
        const int left = PQflush(handle_.get());
        if (left < 0) {
            throw connection_error("the connection was lost");
        }
        if (left == 0) {
            return;
        }
        wait(POLLIN | POLLOUT);
        PQconsumeInput(handle_.get());
    }
}

Connection::Result Connection::next_result() {
    flush();
    while (PQisBusy(handle_.get()) != 0) {
        wait(POLLIN);
        if (PQconsumeInput(handle_.get()) == 0) {
            throw connection_error("the connection was lost");
        }
    }
    return Result(PQgetResult(handle_.get()));
}

Connection::Result Connection::last_result() {
    Result last;
    std::unique_ptr<ServerError> failure;
    while (Result result = next_result()) {
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            if (!failure) {
                failure = std::make_unique<ServerError>(error_of(result.get()));
            }
            if (PQstatus(handle_.get()) == CONNECTION_BAD) {
                break;
            }
        }
        last = std::move(result);
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN) {
            break;  // There are more only after what is copied.
        }
    }
    if (failure) {
        throw ServerError(*failure);
    }
    if (!last) {
        throw connection_error("the connection was lost");
    }
    return last;
}

ServerError Connection::connection_error(std::string_view doing) const {
    ServerError error(fmt::format("{}: {}", doing, trimmed(PQerrorMessage(handle_.get()))), "");
    error.set_code(unreachable());
    if (PQconnectionNeedsPassword(handle_.get()) != 0) {
        error.set_hint(
            "Give the password by password_file, password_command or password_env of the source, "
            "by PGPASSWORD, or in ~/.pgpass.");
    }
    return error;
}

void Connection::execute(const std::string& sql) {
    if (PQsendQuery(handle_.get(), sql.c_str()) == 0) {
        throw connection_error("the connection was lost");
    }
    static_cast<void>(last_result());
}

Rows Connection::query(const std::string& sql, std::initializer_list<std::string_view> parameters) {
    const std::vector<std::string> texts(parameters.begin(), parameters.end());
    std::vector<const char*> values;
    std::transform(texts.begin(), texts.end(), std::back_inserter(values),
                   [](const std::string& text) { return text.c_str(); });
    if (PQsendQueryParams(handle_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                          values.data(), nullptr, nullptr, 0) == 0) {
        throw connection_error("the connection was lost");
    }
    return Rows(last_result());
}

std::uint64_t Connection::change(const std::string& sql) {
    // This way takes one command only.
    if (PQsendQueryParams(handle_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) ==
        0) {
        throw connection_error("the connection was lost");
    }
    const Result result = last_result();
    return std::strtoull(PQcmdTuples(result.get()), nullptr, 10);
}

std::string Connection::text(const std::string& sql) {
    const Rows rows = query(sql);
    return rows.count() == 0 ? std::string() : std::string(rows.text(0, 0));
}

bool Connection::is_lost() const { return PQstatus(handle_.get()) == CONNECTION_BAD; }

std::string Connection::unreachable() const {
    return role_ == Role::source ? "source_unreachable" : "target_unreachable";
}

int Connection::server_version() const { return PQserverVersion(handle_.get()); }

std::string Connection::parameter(const char* name) const {
    const char* const value = PQparameterStatus(handle_.get(), name);
    return value == nullptr ? "" : value;
}

std::string Connection::host() const {
    const char* const name = PQhost(handle_.get());
    return name == nullptr ? std::string() : std::string(name);
}

std::string Connection::database() const { return PQdb(handle_.get()); }

}  // namespace dbbackup::postgres
