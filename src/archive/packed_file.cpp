#include "archive/packed_file.hpp"

#include "archive/archive_error.hpp"
#include "base/units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

constexpr std::uint64_t kBufferBytes = 256_KiB;

}  // namespace

BytesView PackedRange::next() {
    buffer_.resize(std::min(kBufferBytes, end_ - offset_));
    const std::size_t count = file_.read_at(offset_, buffer_);
    if (count != buffer_.size()) {
        throw archive_damaged(fmt::format("{} has become shorter", file_.path().native()));
    }
    offset_ += count;
    return buffer_;
}

Bytes read_exactly(const File& file, std::uint64_t offset, std::size_t count) {
    Bytes bytes(count);
    if (file.read_at(offset, bytes) != count) {
        throw archive_damaged(fmt::format("{} ends too early", file.path().native()));
    }
    return bytes;
}

}  // namespace dbbackup
