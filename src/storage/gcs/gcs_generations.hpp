#pragma once

/// @file
/// Generations of objects that are there no more.
///
/// Source: Cloud Storage JSON API reference, "Objects: list".

#include "storage/gcs/gcs_bucket.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// The metadata of an object that we are about to remove, where deleted objects are kept.
inline constexpr const char* kGcsRemovedMark = "db-backup-removed";

/// Which ones a listing shows.
enum class GcsKept : std::uint8_t {
    generations,  ///< What is there, and noncurrent ones.
    deleted,      ///< For a time: "soft delete".
};

struct GcsGeneration {
    std::string key;
    std::uint64_t number = 0;  ///< Newer ones have greater ones.
    bool is_live = false;
    bool is_marked = false;  ///< Has `kGcsRemovedMark`.
    std::uint64_t size_bytes = 0;
    std::chrono::sys_seconds modified_at;
};

/// Calls `visit` on this thread for each below a prefix of keys; for none where the bucket keeps no
/// deleted objects and these were asked for. @throws StorageError, Cancelled.
void list_gcs_generations(const GcsBucket& bucket, GcsKept kept, const std::string& prefix,
                          const std::function<void(const GcsGeneration&)>& visit,
                          const std::stop_token& stop);

/// Whether the bucket keeps deleted objects, for those who may not read its settings.
[[nodiscard]] bool keeps_deleted_objects(const GcsBucket& bucket, const std::stop_token& stop);

}  // namespace dbbackup
