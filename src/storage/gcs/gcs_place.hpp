#pragma once

/// @file
/// Where a bucket is, from a repository URL and what the user's environment says.

#include "config/object_lock.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/registry.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// `gs://bucket/prefix?endpoint=…&ca_file=…&kms_key=…&storage_class=…&object_lock=…`,
/// understood.
struct GcsPlace {
    std::string bucket;
    std::string prefix;         ///< Of names; empty or ending in '/'.
    std::string server;         ///< "https://storage.googleapis.com".
    bool is_anonymous = false;  ///< An emulator, which wants to know nobody.
    std::string ca_file;
    std::optional<ObjectLock> lock;
    std::string kms_key;        ///< Resource name; empty: as the bucket says.
    std::string storage_class;  ///< Of packs; empty: the bucket's.
    std::string url;            ///< As a person would type it.
};

/// @param variable Where STORAGE_EMULATOR_HOST is read, which counts where the URL has no endpoint.
/// @throws ConfigError (code "bad_repository_url") for a parameter that is unknown or wrong, and
/// for a bucket that could not be.
[[nodiscard]] GcsPlace gcs_place(const StorageUrl& url, const ReadVariable& variable);

/// Whether nobody on the way reads what is sent there: https, or this machine.
[[nodiscard]] bool is_private_way(std::string_view url);

}  // namespace dbbackup
