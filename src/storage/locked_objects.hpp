#pragma once

/// @file
/// Removing what may be locked, for those to whom a lock is no error.

#include "base/error.hpp"
#include "storage/storage.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// What could not be removed because it is locked. Not thread-safe.
class LockedObjects {
public:
    void add(const ObjectName& name, std::uint64_t bytes,
             std::optional<std::chrono::sys_seconds> until);

    [[nodiscard]] bool contains(const ObjectName& name) const;
    [[nodiscard]] std::uint64_t objects() const { return bytes_of_.size(); }
    [[nodiscard]] std::uint64_t bytes() const;
    /// When the last of the locks ends of which the store says it.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> until() const { return until_; }

private:
    std::map<std::string, std::uint64_t> bytes_of_;  ///< By name.
    std::optional<std::chrono::sys_seconds> until_;
};

/// The error of `Storage::remove` for what is locked. @param until Where the store says it.
[[nodiscard]] StorageError object_locked_error(const ObjectName& name,
                                               std::optional<std::chrono::sys_seconds> until);

/// Removes the object unless it is locked, or among `locked`. @param bytes What it takes, for the
/// count. @return Whether it is gone. @throws as `Storage::remove`.
[[nodiscard]] bool remove_unless_locked(Storage& storage, const ObjectName& name,
                                        std::uint64_t bytes, LockedObjects& locked,
                                        const std::stop_token& stop);

}  // namespace dbbackup
