#include "connector/postgres/archive_head.hpp"

#include <algorithm>
#include <string_view>

namespace dbbackup::postgres {
namespace {

// Source: PostgreSQL, src/bin/pg_dump/pg_backup_archiver.c, WriteHead and WriteInt.
constexpr std::string_view kMagic = "PGDMP";
constexpr std::size_t kVersionAt = 5;  // major, minor, revision
constexpr std::size_t kIntegerSizeAt = 8;
constexpr std::size_t kCompressionAt = 11;  // behind the sizes of integers and offsets, the format
constexpr std::uint8_t kVersionMajor = 1;
/// A byte says how it is compressed since 1.15, an integer before.
constexpr std::uint8_t kShortCompression = 15;
constexpr std::uint8_t kOldestMinor = 12;
constexpr std::uint8_t kNewestMinor = 16;
constexpr std::size_t kTimeIntegers = 7;  // second, minute, hour, day, month, year, summer time
constexpr std::size_t kIntegerBytes = 5;  // a sign, and four bytes

/// Where the time begins; 0 if the head is laid out otherwise.
std::size_t time_at(BytesView head) {
    if (head.size() < kCompressionAt || as_text(head.first(kMagic.size())) != kMagic ||
        head[kVersionAt] != kVersionMajor || head[kVersionAt + 1] < kOldestMinor ||
        head[kVersionAt + 1] > kNewestMinor || head[kIntegerSizeAt] != 4) {
        return 0;
    }
    return kCompressionAt + (head[kVersionAt + 1] >= kShortCompression ? 1 : 5);
}

}  // namespace

BytesView ArchiveHead::without_time(BytesView part) {
    if (!is_first_) {
        return part;
    }
    is_first_ = false;
    const std::size_t begin = time_at(part);
    const std::size_t bytes = kTimeIntegers * kIntegerBytes;
    if (begin == 0 || part.size() < begin + bytes) {
        return part;
    }
    copy_ = copy_of(part);
    // The first of January 1970: a day and a month that exist.
    std::fill_n(copy_.begin() + static_cast<std::ptrdiff_t>(begin), bytes, std::uint8_t{0});
    copy_[begin + 3 * kIntegerBytes + 1] = 1;
    copy_[begin + 5 * kIntegerBytes + 1] = 70;
    return copy_;
}

}  // namespace dbbackup::postgres
