#pragma once

/// @file
/// What the configuration says of a store beside its URL.

#include "config/config.hpp"
#include "storage/registry.hpp"

#include <string>

namespace dbbackup {

/// What `repository` says, and where it says nothing, `storage` for object stores.
/// @param repository The entry of the repository at `url`; null: what is there has none.
/// @throws ConfigError as `StorageUrl::parse`.
[[nodiscard]] StorageLimits storage_limits(const std::string& url,
                                           const RepositoryConfig* repository,
                                           const Config& config);

}  // namespace dbbackup
