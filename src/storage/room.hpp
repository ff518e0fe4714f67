#pragma once

/// @file
/// How much more a store takes.

#include "storage/storage.hpp"

#include <cstdint>
#include <optional>

namespace dbbackup {

/// Bytes as of this call; nothing where nobody can tell: only local disks are asked.
[[nodiscard]] std::optional<std::uint64_t> room_bytes(const Storage& storage);

}  // namespace dbbackup
