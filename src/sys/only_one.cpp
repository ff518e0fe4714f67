#include "sys/only_one.hpp"

#include "sys/file_error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace dbbackup {
namespace {

/// The file stays when its holder goes: who removed it could remove another's.
File opened(const std::filesystem::path& path) {
    constexpr unsigned kPermissions = 0600;
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPermissions);
    if (descriptor < 0) {
        throw FileError("open", path, errno);
    }
    return File::adopt(descriptor, path);
}

struct flock whole_file() {
    struct flock range{};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    return range;
}

/// One byte for each name, far apart: two names that share one would only wait for each other.
/// Source: Fowler, Noll and Vo's hash FNV-1a of 64 bits (draft-eastlake-fnv, section 2).
struct flock byte_of(std::string_view name) {
    constexpr std::uint64_t kOffset = 0xcbf29ce484222325U;
    constexpr std::uint64_t kPrime = 0x100000001b3U;
    std::uint64_t hash = kOffset;
    for (const char each : name) {
        hash = (hash ^ static_cast<unsigned char>(each)) * kPrime;
    }
    struct flock range = whole_file();
    range.l_start = static_cast<off_t>(hash >> 2U);
    range.l_len = 1;
    return range;
}

bool try_lock(const File& file, int command, struct flock range) {
    while (::fcntl(file.descriptor(), command, &range) != 0) {
        if (errno == EAGAIN || errno == EACCES) {
            return false;
        }
        if (errno != EINTR) {
            throw FileError("lock", file.path(), errno);
        }
    }
    return true;
}

/// What stands in the way of a lock; nothing when nothing does. Takes none, so that a look never
/// keeps another from taking it.
std::optional<struct flock> in_the_way(const std::filesystem::path& path, int command,
                                       struct flock range) {
    if (!std::filesystem::exists(path)) {
        return std::nullopt;
    }
    const File file = opened(path);
    if (::fcntl(file.descriptor(), command, &range) != 0) {
        throw FileError("lock", path, errno);
    }
    return range.l_type == F_UNLCK ? std::nullopt : std::optional(range);
}

}  // namespace

std::optional<OnlyOne> OnlyOne::take(const std::filesystem::path& path) {
    File file = opened(path);
    if (!try_lock(file, F_SETLK, whole_file())) {
        return std::nullopt;
    }
    const std::string number = std::to_string(::getpid()) + "\n";
    file.truncate(0);
    file.write_at(0, as_bytes(number));
    return OnlyOne(std::move(file));
}

std::optional<int> OnlyOne::holder(const std::filesystem::path& path) {
    const std::optional<struct flock> found = in_the_way(path, F_GETLK, whole_file());
    return found ? std::optional(found->l_pid > 0 ? static_cast<int>(found->l_pid) : 0)
                 : std::nullopt;
}

std::optional<NamedLock> NamedLock::take(const std::filesystem::path& path, std::string_view name) {
    File file = opened(path);
    return try_lock(file, F_OFD_SETLK, byte_of(name)) ? std::optional(NamedLock(std::move(file)))
                                                      : std::nullopt;
}

bool NamedLock::is_held(const std::filesystem::path& path, std::string_view name) {
    return in_the_way(path, F_OFD_GETLK, byte_of(name)).has_value();
}

}  // namespace dbbackup
