#include "archive/sqlite_image.hpp"

#include "archive/archive_error.hpp"

#include <fmt/format.h>

#include <bit>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kPageBytesAt = 16;
constexpr std::size_t kChangeCounterAt = 24;
constexpr std::size_t kPageCountAt = 28;
constexpr std::size_t kCountedAt = 92;  ///< The change counter when the pages were counted.
constexpr std::uint32_t kPageBytesMin = 512;
constexpr std::uint32_t kPageBytesOfEmpty = 4096;

std::uint32_t big_endian(BytesView bytes, std::size_t at, unsigned count) {
    std::uint32_t value = 0;
    for (unsigned byte = 0; byte < count; ++byte) {
        value = value << 8U | bytes[at + byte];
    }
    return value;
}

}  // namespace

std::uint32_t checked_page_bytes(BytesView header, std::uint64_t size_bytes) {
    if (size_bytes == 0) {
        return kPageBytesOfEmpty;
    }
    if (!as_text(header).starts_with(kMagic)) {
        throw explained<ConfigError>(
            "the archive holds no SQLite database",
            "Unpack it, and load what is in it with the program that it is for.",
            "archive_unknown");
    }
    if (header.size() < kSqliteHeaderBytes) {
        throw archive_damaged("the database in the archive is cut off");
    }
    std::uint32_t page_bytes = big_endian(header, kPageBytesAt, 2);
    page_bytes = page_bytes == 1 ? 65536 : page_bytes;
    if (page_bytes < kPageBytesMin || !std::has_single_bit(page_bytes)) {
        throw archive_damaged("the database in the archive has no pages of a size that can be");
    }
    const std::uint64_t pages = big_endian(header, kPageCountAt, 4);
    // Only programs older than 2010 do not keep the count.
    const bool is_counted =
        pages > 0 && big_endian(header, kChangeCounterAt, 4) == big_endian(header, kCountedAt, 4);
    if (size_bytes % page_bytes != 0 || (is_counted && pages * page_bytes > size_bytes)) {
        throw archive_damaged(
            fmt::format("the database in the archive is cut off: it has {} bytes of {}", size_bytes,
                        pages * page_bytes));
    }
    return page_bytes;
}

}  // namespace dbbackup
