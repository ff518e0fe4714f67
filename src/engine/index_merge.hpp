#pragma once

/// @file
/// Part of `prune`: few indexes that name every pack that stays.

#include "engine/collection_view.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Stores merged indexes of all packs but `going` where there is a reason to: an index names what
/// goes or is damaged, several are small, or packs are in none.
/// @param going Packs of `view`.
/// @return The index objects that are no longer needed.
/// @throws StorageError when they cannot be stored and snapshots need them to be read. If they can
/// do without (the storage may be full), nothing is merged, and the old ones stay.
[[nodiscard]] std::vector<std::string> merge_indexes(Repository& repository,
                                                     const CollectionView& view,
                                                     const std::vector<PackName>& going,
                                                     std::stop_token stop);

}  // namespace dbbackup
