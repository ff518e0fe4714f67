#include "storage/room.hpp"

#include <sys/statvfs.h>

namespace dbbackup {

std::optional<std::uint64_t> room_bytes(const Storage& storage) {
    struct statvfs status{};
    // The URL of a local store is its path.
    if (!storage.capabilities().is_local || ::statvfs(storage.url().c_str(), &status) != 0) {
        return std::nullopt;
    }
    return std::uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace dbbackup
