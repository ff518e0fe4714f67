#pragma once

/// @file
/// Collects rows as they come and gives them on many at a time.

#include "base/units.hpp"
#include "connector/connector.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// Not thread-safe.
class RowBatch {
public:
    /// @param sink Borrowed.
    explicit RowBatch(SegmentSink& sink) : sink_(sink) { bytes_.reserve(kBytes + kBytes / 4); }

    void add(std::string_view row) {
        bytes_.insert(bytes_.end(), row.begin(), row.end());
        ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
        total_ += row.size();
        ++rows_;
        if (bytes_.size() >= kBytes) {
            flush();
        }
    }
    void flush() {
        if (!ends_.empty()) {
            sink_.rows(bytes_, ends_);
            bytes_.clear();
            ends_.clear();
        }
    }
    [[nodiscard]] std::uint64_t total_bytes() const { return total_; }
    [[nodiscard]] std::uint64_t total_rows() const { return rows_; }

private:
    static constexpr std::size_t kBytes = 256_KiB;

    SegmentSink& sink_;
    Bytes bytes_;
    std::vector<std::uint32_t> ends_;
    std::uint64_t total_ = 0;
    std::uint64_t rows_ = 0;
};

}  // namespace dbbackup::postgres
