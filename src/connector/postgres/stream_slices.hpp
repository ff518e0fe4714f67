#pragma once

/// @file
/// Cuts a stream of rows for several readers, each of which gets whole rows.

#include "base/units.hpp"
#include "connector/connector.hpp"

#include <atomic>
#include <cstdint>
#include <stop_token>

namespace dbbackup::postgres {

/// Hands out slices of one stream, each once. `Reader`s on several threads share it.
class StreamSlices {
public:
    /// @param stream Borrowed.
    StreamSlices(StreamReader& stream, std::stop_token stop)
        : stream_(stream), stop_(std::move(stop)) {}

    [[nodiscard]] std::uint64_t count() const {
        return (stream_.stream().size_bytes + kSliceBytes - 1) / kSliceBytes;
    }
    [[nodiscard]] bool has_more() const { return next_ < count(); }
    /// Nobody gets another slice: one of the readers failed.
    void abandon() { next_ = count(); }

    /// One thread's way through the slices: a row belongs to the slice in which it begins.
    class Reader {
    public:
        explicit Reader(StreamSlices& slices) : slices_(slices) {}
        /// The next bytes, valid until the next call; empty when nothing is left.
        /// @throws as `StreamReader::read_at`; CorruptionError when the stream has no last line
        /// feed.
        [[nodiscard]] BytesView next();
        /// Whether what `next` gave last ends with a whole row.
        [[nodiscard]] bool is_at_row_end() const { return is_at_row_end_; }

    private:
        [[nodiscard]] bool begin_slice();
        void fill();

        StreamSlices& slices_;
        Bytes buffer_;
        std::uint64_t offset_ = 0;  ///< Of the buffer's end in the stream.
        std::uint64_t end_ = 0;     ///< Of the slice.
        bool skips_row_ = false;    ///< What comes first belongs to the slice before.
        bool is_in_slice_ = false;
        bool is_at_row_end_ = true;
    };

private:
    static constexpr std::uint64_t kSliceBytes = 8_MiB;

    StreamReader& stream_;
    std::stop_token stop_;
    std::atomic<std::uint64_t> next_{0};
};

}  // namespace dbbackup::postgres
