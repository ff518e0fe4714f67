#pragma once

/// @file
/// What some stores do to keep objects that somebody wants to remove: locks until a date, and
/// versions that outlive their removal.

#include "storage/storage.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

namespace dbbackup {

/// The code of the `StorageError` of `Storage::remove` for an object that is locked: nothing of it
/// has changed, and it may be removed when the lock has ended.
inline constexpr std::string_view kObjectLocked = "object_locked";

/// `Storage::protection` gives it; as safe to use from several threads as the store, throws as the
/// store does, and lives as long.
class ObjectProtection {
public:
    ObjectProtection(const ObjectProtection&) = delete;
    ObjectProtection& operator=(const ObjectProtection&) = delete;
    virtual ~ObjectProtection() = default;

    /// When the lock ends that keeps the object from being removed now, by this machine's clock.
    /// Nothing when it has none, when the store does not tell, and when there is no such object.
    virtual std::optional<std::chrono::sys_seconds> locked_until(const ObjectName& name,
                                                                 std::stop_token stop) = 0;

    /// Locks the object until then at least. Locks only grow: one that ends later stays as it is.
    /// Locking a missing object is a success.
    virtual void lock_until(const ObjectName& name, std::chrono::sys_seconds until,
                            std::stop_token stop) = 0;

    /// Whether the store is known to keep what is removed: no when it does not say.
    virtual bool keeps_removed(std::stop_token stop) = 0;

    /// Calls `visit` on this thread for each object below `prefix` that was removed, but whose
    /// content is there.
    virtual void list_removed(const ObjectPrefix& prefix,
                              const std::function<void(const ObjectInfo&)>& visit,
                              std::stop_token stop) = 0;

    /// Makes an object that was removed be there again. Nothing when there is none to bring back.
    virtual void bring_back(const ObjectName& name, std::stop_token stop) = 0;

protected:
    ObjectProtection() = default;
};

}  // namespace dbbackup
