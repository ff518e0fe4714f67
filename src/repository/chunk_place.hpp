#pragma once

/// @file
/// Where a chunk lies, by what an index says.

#include "repository/chunk_copy.hpp"
#include "repository/pack.hpp"

#include <memory>

namespace dbbackup {

/// One entry of a pack's directory, and the pack.
struct ChunkPlace {
    std::shared_ptr<const PackIdentity> pack;
    PackEntry entry;
};

}  // namespace dbbackup
