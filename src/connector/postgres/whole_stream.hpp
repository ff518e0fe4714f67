#pragma once

/// @file
/// A stored stream from its beginning to its end, for who reads in order: a program, a script.

#include "base/units.hpp"
#include "connector/stream.hpp"

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <utility>

namespace dbbackup::postgres {

/// One thread at a time.
class WholeStream {
public:
    /// @param stream Borrowed.
    WholeStream(StreamReader& stream, std::stop_token stop)
        : stream_(stream), stop_(std::move(stop)) {}

    /// The next part, valid until the next call; empty at the end.
    /// @throws as `StreamReader::read_at`.
    [[nodiscard]] BytesView next() {
        const std::uint64_t left = stream_.stream().size_bytes - offset_;
        buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(1_MiB, left)));
        if (!buffer_.empty()) {
            stream_.read_at(offset_, buffer_, stop_);
            offset_ += buffer_.size();
        }
        return buffer_;
    }

private:
    StreamReader& stream_;
    std::stop_token stop_;
    Bytes buffer_;
    std::uint64_t offset_ = 0;
};

}  // namespace dbbackup::postgres
