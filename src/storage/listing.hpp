#pragma once

/// @file
/// Listings as a value, where all names are wanted at once.

#include "storage/storage.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// The names of all objects below a folder, in no particular order. @throws as `Storage::list`.
[[nodiscard]] std::vector<ObjectName> names_below(Storage& storage, const std::string& folder,
                                                  std::stop_token stop);

}  // namespace dbbackup
