#pragma once

/// @file
/// Removal from buckets that keep generations or what was deleted, retention of objects, and what
/// removal left behind.
///
/// Source: Cloud Storage JSON API reference, "Objects: delete", "Objects: list", "Objects: patch",
/// "Objects: restore", "Objects: rewrite"; "Object Retention Lock", "Bucket Lock", "Object holds",
/// "Object Versioning", "Soft delete".

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "storage/gcs/gcs_bucket.hpp"
#include "storage/gcs/gcs_generations.hpp"
#include "storage/gcs/gcs_place.hpp"
#include "storage/object_protection.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace dbbackup {

/// Thread-safe.
///
/// A removal takes every generation, each by its number: so nothing of ours becomes noncurrent, and
/// what is locked stays visible. Where the bucket keeps what was deleted (soft delete), nobody can
/// keep it from doing so, and an object gets a mark before it goes. By that what was removed here
/// is told from what somebody else removed, which alone is brought back.
class GcsProtection final : public ObjectProtection {
public:
    /// @param place, clock Borrowed.
    GcsProtection(const GcsPlace& place, GcsBucket bucket, const Clock& clock);

    /// All generations of the object. @throws StorageError with code "object_locked".
    void remove(const ObjectName& name, const std::stop_token& stop);

    /// Whether the answer says that an object is not there. @throws StorageError when it is the
    /// bucket that is not: where the answer does not say which, the bucket is asked for.
    bool is_absent(const HttpResponse& response, const std::string& doing,
                   const std::string& permission, const std::stop_token& stop) const;

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
    /// What the bucket keeps of what is deleted.
    struct Keeping {
        bool generations = false;
        bool deleted = false;  ///< For a time: "soft delete".
    };
    struct Removed;

    [[nodiscard]] Keeping keeping(const std::stop_token& stop);
    [[nodiscard]] Keeping ask_for_keeping(const std::stop_token& stop) const;
    /// By key: what is not there, and was not removed by us.
    [[nodiscard]] std::map<std::string, Removed> removed_below(const std::string& prefix,
                                                               const std::stop_token& stop) const;
    void remove_generation(const ObjectName& name, const std::string& generation,
                           const Keeping& keeping, const std::stop_token& stop) const;
    /// Says that we removed it, or takes that back. @return Whether it is said now.
    bool mark(const ObjectName& name, const std::string& generation, bool is_removed,
              const std::stop_token& stop) const;
    /// The object's resource; nothing when it is not there, or may not be looked at.
    [[nodiscard]] std::optional<nlohmann::json> look(const ObjectName& name,
                                                     const std::string& generation,
                                                     const std::stop_token& stop) const;
    [[nodiscard]] std::optional<std::chrono::sys_seconds> lock_end(
        const ObjectName& name, const std::string& generation, const std::stop_token& stop) const;
    [[nodiscard]] HttpResponse retain(const ObjectName& name, LockMode mode,
                                      std::chrono::sys_seconds until, const std::string& query,
                                      const std::stop_token& stop) const;
    void copy_to_itself(const ObjectName& name, std::uint64_t generation,
                        const std::stop_token& stop) const;
    void restore(const ObjectName& name, std::uint64_t generation,
                 const std::stop_token& stop) const;

    const GcsPlace& place_;
    GcsBucket bucket_;
    const Clock& clock_;
    Guarded<std::optional<Keeping>> keeping_;
};

}  // namespace dbbackup
