#pragma once

/// @file
/// Gives rows on to a segment and counts them, so that another connection can go on where one was
/// lost.

#include "base/error.hpp"
#include "connector/connector.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <vector>

namespace dbbackup::postgres {

/// Not thread-safe.
class CountedRows {
public:
    /// @param sink Borrowed.
    explicit CountedRows(SegmentSink& sink) : sink_(sink) {}

    /// The next connection begins with the first row again: what was given is left out.
    void begin_again() { to_skip_ = rows_; }

    /// @param ends Where each row ends.
    void add(BytesView rows, std::span<const std::uint32_t> ends) {
        if (to_skip_ >= ends.size()) {
            to_skip_ -= ends.size();
        } else if (to_skip_ == 0) {
            give(rows, ends);
        } else {
            const std::uint32_t skipped = ends[static_cast<std::size_t>(to_skip_) - 1];
            std::vector<std::uint32_t> left;
            for (const std::uint32_t end : ends.subspan(static_cast<std::size_t>(to_skip_))) {
                left.push_back(end - skipped);
            }
            to_skip_ = 0;
            give(rows.subspan(skipped), left);
        }
    }

    /// @param said How many rows the server says it sent since it began.
    /// @throws SourceError unless each of them was given, once.
    void check(std::uint64_t said) const {
        if (said != rows_) {
            throw SourceError(
                fmt::format("the server sent {} rows, and {} were taken", said, rows_));
        }
    }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    void give(BytesView rows, std::span<const std::uint32_t> ends) {
        sink_.rows(rows, ends);
        bytes_ += rows.size();
        rows_ += ends.size();
    }

    SegmentSink& sink_;
    std::uint64_t bytes_ = 0;
    std::uint64_t rows_ = 0;
    std::uint64_t to_skip_ = 0;
};

}  // namespace dbbackup::postgres
