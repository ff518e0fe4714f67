#pragma once

/// @file
/// Where a repository keeps its objects: a flat set of named, immutable byte strings.
///
/// Data path: connector -> chunker -> sealer -> packer -> [storage].
/// Nothing below this header knows what a snapshot, a pack or a key is. Every promise made
/// here is checked for every implementation by tests/conformance/storage_suite.hpp.

#include "base/bytes.hpp"
#include "storage/object_name.hpp"
#include "storage/upload.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

class ObjectProtection;

/// The part of an object to read. Both fields are in bytes.
struct ByteRange {
    std::uint64_t offset_bytes = 0;
    std::uint64_t length_bytes = 0;
};

/// What a listing tells about one object.
struct ObjectInfo {
    ObjectName name;
    std::uint64_t size_bytes = 0;
    std::chrono::sys_seconds modified_at;  ///< By the store's clock; never compared with ours.
};

/// What only some stores can do, or do differently.
struct StorageCapabilities {
    bool is_local = false;  ///< Reading costs no request: `delta: auto` then always makes deltas.
    /// How long a listing may lag behind what was written (caches of network file systems).
    std::chrono::seconds listing_delay{0};
    /// What lasts is locked for so long when it is put; 0: it is not.
    std::chrono::days lock{0};
};

/// One object store. Safe to call from several threads at once.
///
/// Every call throws `StorageError` when the store refuses or cannot be reached, and
/// `Cancelled` within one second of `stop` firing. Implementations never retry: they mark an
/// error `Retry::may_help` and leave the policy to `RetryingStorage`.
class Storage {
public:
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    virtual ~Storage() = default;

    /// Creates the object whole or not at all, and durably once this returns; never overwrites.
    /// Of several callers at once, exactly one gets `created`.
    virtual PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) = 0;

    /// Begins an object that `put` could not hold in memory; nothing shows before its commit.
    virtual std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) = 0;

    /// Removes what uploads that never ended have left below this store, where it does not go by
    /// itself and costs: those that gave no sign of life for `silence`, by the store's own clock.
    /// At worst a living writer's upload fails. For collectors: it takes permissions of its own.
    virtual void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) = 0;

    /// Returns the whole object in one request, or nothing when there is no such object:
    /// absence is an answer here, not an error.
    virtual std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) = 0;

    /// Returns the bytes of `range` that exist: fewer than asked for when the object ends before,
    /// nothing when there is no such object.
    virtual std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                           std::stop_token stop) = 0;

    /// Returns the size in bytes, or nothing when there is no such object.
    virtual std::optional<std::uint64_t> size_bytes(const ObjectName& name,
                                                    std::stop_token stop) = 0;

    /// Calls `visit` once per object below `prefix`, in no particular order, on this thread.
    /// Objects created before the call are all visited. `visit` may call this store again.
    virtual void list(const ObjectPrefix& prefix,
                      const std::function<void(const ObjectInfo&)>& visit,
                      std::stop_token stop) = 0;

    /// Removes the object. Removing a missing object is a success. One that is locked stays as it
    /// is: a `StorageError` with code "object_locked" (storage/object_protection.hpp).
    virtual void remove(const ObjectName& name, std::stop_token stop) = 0;

    /// The URL as a person would type it, without credentials: for messages.
    [[nodiscard]] virtual std::string url() const = 0;

    [[nodiscard]] virtual StorageCapabilities capabilities() const = 0;

    /// Locks and what removal leaves behind; null for a store that knows neither.
    [[nodiscard]] virtual ObjectProtection* protection() { return nullptr; }

protected:
    Storage() = default;
};

}  // namespace dbbackup
