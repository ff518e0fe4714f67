#include "base/units.hpp"
#include "connector/postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>

namespace dbbackup::postgres {
namespace {

/// libpq grows its buffer for what is given at once.
constexpr std::size_t kCopyPartBytes = 1 << 18;
/// So many bytes of rows are given on at once, or a few more.
constexpr std::size_t kBatchBytes = 256_KiB;
constexpr std::size_t kBatchRoom = 64_KiB;

}  // namespace

bool Connection::take_rows() {
    if (rows_.empty()) {
        rows_.resize(kBatchBytes + kBatchRoom);
    }
    for (bool is_in_row = false; is_in_row || rows_bytes_ < kBatchBytes;) {
        // Obsolete as the way to read a whole copy, but the one that allocates nothing for each
        // row. Of a row that is too long for the room it gives a part. Source: PostgreSQL manual,
        // 34.10.3.
        const std::size_t room = rows_.size() - rows_bytes_;
        char* const to = reinterpret_cast<char*>(rows_.data()) + rows_bytes_;  // NOLINT
        const int bytes = PQgetlineAsync(handle_.get(), to, static_cast<int>(room));
        if (bytes < 0) {
            return false;  // The end, or an error, which the next result tells.
        }
        if (bytes == 0) {
            return true;
        }
        rows_bytes_ += static_cast<std::size_t>(bytes);
        is_in_row = rows_bytes_ == rows_.size() && rows_.back() != '\n';
        if (is_in_row) {
            rows_.resize(rows_.size() * 2);
        } else {
            row_ends_.push_back(static_cast<std::uint32_t>(rows_bytes_));
        }
    }
    return true;
}

void Connection::visit_rows(const VisitRows& visit) {
    if (row_ends_.empty()) {
        return;
    }
    try {
        visit(BytesView(rows_).first(rows_bytes_), row_ends_);
    } catch (...) {
        cancel();
        handle_.reset();  // What is on its way is of no use.
        throw;
    }
    rows_bytes_ = 0;
    row_ends_.clear();
    if (rows_.size() > kBatchBytes + kBatchRoom) {
        rows_ = Bytes();  // One long row is no reason to keep so much.
    }
}

std::uint64_t Connection::copy_out(const std::string& sql, const VisitRows& visit) {
    if (PQsendQuery(handle_.get(), sql.c_str()) == 0) {
        throw connection_error("the connection was lost");
    }
    const Result begun = last_result();
    if (PQresultStatus(begun.get()) != PGRES_COPY_OUT) {
        throw Error("the server did not begin to copy");
    }
    rows_bytes_ = 0;
    row_ends_.clear();
    std::size_t had = 0;
    while (take_rows()) {
        if (rows_bytes_ >= kBatchBytes) {
            visit_rows(visit);
            had = kBatchBytes;
        } else {
            if (rows_bytes_ == had) {
                wait(POLLIN);
            }
            had = rows_bytes_;  // As long as more comes there may be still more.
            throw_if_stopped();
            if (PQconsumeInput(handle_.get()) == 0) {
                throw connection_error("the connection was lost");
            }
        }
    }
    const Result end = last_result();
    visit_rows(visit);
    return std::strtoull(PQcmdTuples(end.get()), nullptr, 10);
}

void Connection::send_copy_data(BytesView part) {
    while (!part.empty()) {
        const std::size_t bytes = std::min(part.size(), kCopyPartBytes);
        const auto* const text = reinterpret_cast<const char*>(part.data());  // NOLINT
        const int sent = PQputCopyData(handle_.get(), text, static_cast<int>(bytes));
        if (sent < 0) {
            throw connection_error("the connection was lost");
        }
        if (sent > 0) {
            part = part.subspan(bytes);
        }
        flush();
    }
}

std::uint64_t Connection::copy_in(const std::string& sql, const std::function<BytesView()>& give) {
    if (PQsendQuery(handle_.get(), sql.c_str()) == 0) {
        throw connection_error("the connection was lost");
    }
    const Result begun = last_result();
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) {
        throw Error("the server did not begin to copy");
    }
    try {
        for (BytesView part = give(); !part.empty(); part = give()) {
            send_copy_data(part);
        }
    } catch (...) {
        handle_.reset();  // Without the end of the data the server keeps none of it.
        throw;
    }
    while (PQputCopyEnd(handle_.get(), nullptr) == 0) {
        flush();
    }
    const Result end = last_result();
    return std::strtoull(PQcmdTuples(end.get()), nullptr, 10);
}

}  // namespace dbbackup::postgres
