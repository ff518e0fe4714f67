#pragma once

/// @file
/// Part of `prune`: which packs are worth sealing anew what is needed of them, so that the rest
/// can go. Pure: it only looks at what was read.
///
/// Of each chunk one copy counts as used (`ChosenCopies`). What no used copy takes is unused.

#include "engine/chosen_copies.hpp"
#include "engine/collection_view.hpp"
#include "sys/scratch.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace dbbackup {

/// A chunk that is stored anew as other bytes than before: whole, or against another base. Chunks
/// are those of `CompactionPlan::copies`.
struct Rewrite {
    std::uint32_t chunk = 0;
    /// Of the delta, which need not be small enough; none: whole.
    std::uint32_t base = ChosenCopies::kNone;
    std::uint8_t depth = 0;  ///< Of the delta.
};

/// A chunk that is sealed anew as it is.
struct Move {
    std::uint32_t pack = 0;    ///< Place in the view's packs.
    std::uint32_t record = 0;  ///< Place among the view's chunk records.
};

struct CompactionPlan {
    explicit CompactionPlan(ScratchSpace& scratch) : moves(scratch), rewrites(scratch) {}

    std::vector<PackName> emptied;  ///< They may go once all below is done. Sorted.
    ScratchArray<Move> moves;       ///< Pack by pack, each in the order of its bytes.
    ScratchArray<Rewrite> rewrites;
    std::unique_ptr<const ChosenCopies> copies;  ///< Where chunks are read; null: no need to.
    std::uint64_t bytes_to_store = 0;            ///< About so many; rewrites are estimated.
    /// Unused before, in packs with something that is used.
    std::uint64_t bytes_unused = 0;
    std::uint64_t bytes_unused_after = 0;
    /// What is used only because something else is a delta on it, before.
    std::uint64_t bytes_only_bases = 0;

    [[nodiscard]] bool is_empty() const { return emptied.empty() && rewrites.empty(); }
};

/// The plan borrows `view`. Nothing is planned while there are problems:
/// nobody knows then what is needed.
[[nodiscard]] CompactionPlan plan_compaction(const CollectionView& view,
                                             const CompactionLimits& limits);

}  // namespace dbbackup
