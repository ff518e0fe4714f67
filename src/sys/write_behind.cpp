#include "sys/write_behind.hpp"

#include "sys/file_error.hpp"

#include <fcntl.h>

#include <cerrno>
#include <optional>

namespace dbbackup {
namespace {

/// Ranges that may be on their way to the disk: enough that nobody waits for a quick one.
constexpr std::size_t kBegunMax = 16;

bool is_lost_write(int error_number) {
    return error_number == EIO || error_number == ENOSPC || error_number == EDQUOT;
}

}  // namespace

void WriteBehind::write_at(std::uint64_t offset, BytesView content) {
    file_.write_at(offset, content);
    // Where the file system knows no ranges, the sync at the end does it. Source:
    // sync_file_range(2).
    const int descriptor = file_.descriptor();
    ::sync_file_range(descriptor, static_cast<off64_t>(offset),
                      static_cast<off64_t>(content.size()), SYNC_FILE_RANGE_WRITE);
    const std::optional<Range> oldest = begun_.with([&](auto& begun) {
        begun.emplace_back(offset, content.size());
        if (begun.size() <= kBegunMax) {
            return std::optional<Range>();
        }
        const Range first = begun.front();
        begun.pop_front();
        return std::optional(first);
    });
    if (oldest) {
        const auto start = static_cast<off64_t>(oldest->first);
        const auto length = static_cast<off64_t>(oldest->second);
        const int status = ::sync_file_range(
            descriptor, start, length,
            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        if (status != 0 && is_lost_write(errno)) {
            // The kernel reports a lost write once: the sync at the end would say that all is well.
            throw FileError("write", file_.path(), errno);
        }
        ::posix_fadvise(descriptor, start, length, POSIX_FADV_DONTNEED);
    }
}

}  // namespace dbbackup
