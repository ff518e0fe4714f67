#include "storage/locked_objects.hpp"

#include "base/clock.hpp"
#include "storage/object_protection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {

void LockedObjects::add(const ObjectName& name, std::uint64_t bytes,
                        std::optional<std::chrono::sys_seconds> until) {
    bytes_of_.insert_or_assign(name.text(), bytes);
    until_ = std::max(until_, until);
}

bool LockedObjects::contains(const ObjectName& name) const {
    return bytes_of_.contains(name.text());
}

std::uint64_t LockedObjects::bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [name, bytes] : bytes_of_) {
        sum += bytes;
    }
    return sum;
}

StorageError object_locked_error(const ObjectName& name,
                                 std::optional<std::chrono::sys_seconds> until) {
    return explained<StorageError>(
        until ? fmt::format("cannot remove {}: it is locked until {}", name.text(),
                            format_rfc3339(*until))
              : fmt::format("cannot remove {}: it is locked", name.text()),
        "It can be removed when its lock has ended.", std::string(kObjectLocked));
}

bool remove_unless_locked(Storage& storage, const ObjectName& name, std::uint64_t bytes,
                          LockedObjects& locked, const std::stop_token& stop) {
    if (locked.contains(name)) {
        return false;
    }
    try {
        storage.remove(name, stop);
        return true;
    } catch (const StorageError& error) {
        if (error.code() != kObjectLocked) {
            throw;
        }
    }
    ObjectProtection* const protection = storage.protection();
    locked.add(name, bytes,
               protection == nullptr ? std::nullopt : protection->locked_until(name, stop));
    return false;
}

}  // namespace dbbackup
