#pragma once

/// @file
/// Removal from buckets that keep versions, object lock, and what removal left behind.
///
/// Source: Amazon S3 API reference, ListObjectVersions, DeleteObject, PutObjectRetention; User
/// Guide, "Deleting object versions from a versioning-enabled bucket", "Locking objects with Object
/// Lock".

#include "base/clock.hpp"
#include "storage/object_protection.hpp"
#include "storage/s3/s3_call.hpp"
#include "storage/s3/s3_error.hpp"
#include "storage/s3/s3_place.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace dbbackup {

/// Thread-safe. A removal never leaves a delete marker of ours: what is locked stays visible, and
/// what goes gives its space back.
class S3Versions final : public ObjectProtection {
public:
    /// @param place, clock Borrowed. @param send Called from several threads at once.
    S3Versions(const S3Place& place, SendS3Call send, const Clock& clock);

    /// All versions of the object. @throws StorageError with code "object_locked".
    void remove(const ObjectName& name, const std::stop_token& stop);

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
    struct Version;
    enum class Versioning : std::uint8_t { unknown, off, on };

    [[nodiscard]] std::string key_of(const ObjectName& name) const;
    [[nodiscard]] bool keeps_versions(const std::stop_token& stop);
    /// Calls `visit` for each below a prefix of keys, by key; ends early when it says false.
    void list_versions(const std::string& prefix, const std::function<bool(const Version&)>& visit,
                       const std::stop_token& stop);
    [[nodiscard]] std::vector<Version> versions_of(const ObjectName& name,
                                                   const std::stop_token& stop);
    void remove_version(const ObjectName& name, const Version& version,
                        const std::stop_token& stop);
    /// When the lock of a version ends; of the newest one when `version` is empty.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> lock_end(const ObjectName& name,
                                                                   const std::string& version,
                                                                   const std::stop_token& stop);
    [[nodiscard]] StorageError refused(const HttpResponse& response, const std::string& doing,
                                       const std::string& permission) const;

    const S3Place& place_;
    SendS3Call send_;
    const Clock& clock_;
    std::atomic<Versioning> versioning_{Versioning::unknown};
};

}  // namespace dbbackup
