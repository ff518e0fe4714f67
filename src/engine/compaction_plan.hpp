#pragma once

/// @file
/// Part of `prune`: which packs are worth sealing anew what is needed of them, so that the rest
/// can go. Pure: it only looks at what was read.
///
/// Of each chunk one copy counts as used: the one that takes the fewest bases, and of several the
/// one in the pack with the least rubbish beside it. What no used copy takes is unused.

#include "engine/collection_view.hpp"
#include "repository/chunk_copy.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace dbbackup {

/// A chunk that is stored anew as other bytes than before: whole, or against another base.
struct Rewrite {
    ChunkCopyPtr copy;       ///< Where it is read.
    ChunkCopyPtr base;       ///< Of the delta, which need not be small enough; null: whole.
    std::uint8_t depth = 0;  ///< Of the delta.
};

/// The chunks of one pack that are sealed anew as they are.
struct PackMoves {
    std::shared_ptr<const PackIdentity> from;
    std::vector<const PackEntry*> entries;  ///< In the order of their bytes. Of the view.
};

struct CompactionPlan {
    std::set<PackName> emptied;  ///< They may go once all below is done.
    std::vector<PackMoves> moves;
    std::vector<Rewrite> rewrites;
    std::uint64_t bytes_to_store = 0;  ///< About so many; rewrites are estimated.
    /// Unused before, in packs with something that is used.
    std::uint64_t bytes_unused = 0;
    std::uint64_t bytes_unused_after = 0;
    /// What is used only because something else is a delta on it, before.
    std::uint64_t bytes_only_bases = 0;

    [[nodiscard]] bool is_empty() const { return emptied.empty() && rewrites.empty(); }
};

/// The plan is about `view`, which has to outlive it. Nothing is planned while there are problems:
/// nobody knows then what is needed.
[[nodiscard]] CompactionPlan plan_compaction(const CollectionView& view,
                                             const CompactionLimits& limits);

}  // namespace dbbackup
