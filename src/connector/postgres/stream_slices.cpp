#include "connector/postgres/stream_slices.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cstring>

namespace dbbackup::postgres {
namespace {

constexpr std::uint64_t kReadBytes = 1_MiB;

/// The offset behind the first line feed at or after `from`, or npos.
std::size_t behind_line_feed(BytesView bytes) {
    const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
    return found == nullptr
               ? std::string::npos
               : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data()) +
                     1;
}

}  // namespace

bool StreamSlices::Reader::begin_slice() {
    const std::uint64_t index = slices_.next_++;
    if (index >= slices_.count()) {
        slices_.next_ = slices_.count();
        return false;
    }
    const std::uint64_t begin = index * kSliceBytes;
    end_ = std::min(begin + kSliceBytes, slices_.stream_.stream().size_bytes);
    // A row begins at `begin` if the byte before it is a line feed.
    offset_ = begin == 0 ? 0 : begin - 1;
    skips_row_ = begin > 0;
    is_in_slice_ = true;
    return true;
}

void StreamSlices::Reader::fill() {
    const std::uint64_t size = slices_.stream_.stream().size_bytes;
    if (offset_ == size) {
        throw CorruptionError("the stream " + slices_.stream_.stream().name +
                              " ends in the middle of a row");
    }
    buffer_.resize(static_cast<std::size_t>(std::min(kReadBytes, size - offset_)));
    slices_.stream_.read_at(offset_, buffer_, slices_.stop_);
    offset_ += buffer_.size();
}

BytesView StreamSlices::Reader::next() {
    for (;;) {
        if (!is_in_slice_ && !begin_slice()) {
            return {};
        }
        const std::uint64_t begin = offset_;
        fill();
        BytesView bytes = buffer_;
        if (skips_row_) {
            const std::size_t skipped = behind_line_feed(bytes);
            if (skipped == std::string::npos || begin + skipped >= end_) {
                // The row goes on to the slice's end or beyond: no row begins in this slice.
                is_in_slice_ = skipped == std::string::npos && offset_ < end_;
                continue;
            }
            bytes = bytes.subspan(skipped);
            skips_row_ = false;
            if (bytes.empty()) {
                continue;
            }
        }
        if (offset_ >= end_) {
            // The last row of the slice ends at the first line feed at or behind its last byte.
            const std::uint64_t buffer_begin = offset_ - bytes.size();
            const std::uint64_t last = std::max(end_ - 1, buffer_begin);
            const std::size_t found = behind_line_feed(bytes.subspan(last - buffer_begin));
            if (found != std::string::npos) {
                bytes = bytes.first(static_cast<std::size_t>(last - buffer_begin) + found);
                is_in_slice_ = false;
            }
        }
        is_at_row_end_ = bytes.back() == '\n';
        return bytes;
    }
}

}  // namespace dbbackup::postgres
