#pragma once

/// @file
/// Removal from containers that keep versions or deleted blobs, immutability policies, and what
/// removal left behind.
///
/// Source: Azure Storage REST API reference, Delete Blob, Undelete Blob, Copy Blob, Get Blob
/// Properties, Set Blob Metadata, Set Blob Immutability Policy, Get Container Properties, List
/// Blobs; "Blob versioning", "Soft delete for blobs", "Version-level write once, read many (WORM)
/// policies for immutable blob data".

#include "base/clock.hpp"
#include "storage/azure/azure_call.hpp"
#include "storage/azure/azure_listing.hpp"
#include "storage/azure/azure_place.hpp"
#include "storage/object_protection.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// Thread-safe.
///
/// A removal takes every version, so that none of ours stays as a previous one. Where deleted blobs
/// are kept and versions are not, nobody can keep the account from doing so, and a blob gets a mark
/// before it goes: by that what was removed here is told from what somebody else removed. A version
/// cannot be marked, so versions that somebody deleted one by one are not brought back.
class AzureProtection final : public ObjectProtection {
public:
    /// @param place, clock Borrowed.
    AzureProtection(const AzurePlace& place, AzureContainer container, const Clock& clock);

    /// All versions of the blob. @throws StorageError with code "object_locked".
    void remove(const ObjectName& name, const std::stop_token& stop);

    /// What a blob that lasts is made with: empty where no locks are asked for.
    [[nodiscard]] HttpHeaders lock_headers() const;

    /// After a blob was made with a lock: the first time, it is looked at. One that has none is
    /// removed again. @throws StorageError with code "object_lock_missing".
    void check_lock(const ObjectName& name, const std::stop_token& stop);

    /// Why a blob could not be made with a lock: an error of its own where the container has none.
    [[nodiscard]] StorageError why_not_locked(const BlobAnswer& response, const std::string& doing,
                                              const std::string& permission,
                                              const std::stop_token& stop) const;

    std::optional<std::chrono::sys_seconds> locked_until(const ObjectName& name,
                                                         std::stop_token stop) override;
    void lock_until(const ObjectName& name, std::chrono::sys_seconds until,
                    std::stop_token stop) override;
    bool keeps_removed(std::stop_token stop) override;
    void list_removed(const ObjectPrefix& prefix,
                      const std::function<void(const ObjectInfo&)>& visit,
                      std::stop_token stop) override;
    void bring_back(const ObjectName& name, std::stop_token stop) override;

private:
    enum class Marks : std::uint8_t { unknown, needed, refused };
    struct Removed;

    /// Nothing when there is no such blob or version. @param version Empty: the current one.
    [[nodiscard]] std::optional<BlobAnswer> look(const ObjectName& name, const std::string& version,
                                                 const std::stop_token& stop) const;
    void list_blobs(const std::string& prefix, const std::string& include,
                    const std::function<void(const ListedBlob&)>& visit,
                    const std::stop_token& stop) const;
    /// By key: what is not there, and was not removed by us.
    [[nodiscard]] std::map<std::string, Removed> removed_below(const std::string& prefix,
                                                               const std::stop_token& stop) const;
    void remove_unversioned(const ObjectName& name, const BlobAnswer& properties,
                            const std::stop_token& stop);
    void remove_versions(const ObjectName& name, const std::stop_token& stop) const;
    [[nodiscard]] std::optional<BlobAnswer> remove_one(const ObjectName& name,
                                                       const std::string& version,
                                                       const std::stop_token& stop) const;
    /// Says that we removed it. @return Whether it could be said.
    bool mark(const ObjectName& name, const BlobAnswer& properties, const std::stop_token& stop);
    bool undelete(const ObjectName& name, const std::stop_token& stop);
    void copy_to_itself(const ObjectName& name, const std::string& version,
                        const std::stop_token& stop) const;
    [[nodiscard]] bool has_locks(const std::stop_token& stop) const;
    [[nodiscard]] StorageError lock_missing(const std::string& doing) const;

    const AzurePlace& place_;
    AzureContainer container_;
    const Clock& clock_;
    std::atomic<Marks> marks_{Marks::unknown};
    std::atomic<bool> is_lock_seen_{false};
};

}  // namespace dbbackup
