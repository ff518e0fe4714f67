#pragma once

/// @file
/// Part of `prune`: which packs may go. Pure: it only looks at what was read.
///
/// What decodes from all packs that there are (`CopyTable`) must decode from those that stay; what
/// does not (something is lost) is made no worse.

#include "engine/copy_table.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace dbbackup {

/// What a compaction did (`compaction.hpp`), as far as the choice of packs depends on it.
struct Compacted {
    std::vector<PackName> emptied;  ///< What is needed of these was stored elsewhere, too. Sorted.
    std::vector<PackName> stored;   ///< There. Sorted.
};

/// Immutable once made.
class PackChoice {
public:
    /// @param view Borrowed.
    explicit PackChoice(const CollectionView& view);

    /// What a collection may put in its marker: all packs but those that the snapshots refer to and
    /// those without which something would not decode. Packs that were emptied may be in it
    /// although snapshots refer to them; those that took it up are not.
    [[nodiscard]] std::vector<PackName> candidates(const Compacted& compacted = {}) const;

    /// Those of `own` that a collection may remove (docs/protocol.md, step 6). What stays is first
    /// the packs in no marker; if they don't suffice, own candidates that no other undecided marker
    /// names, in name order; if those don't suffice either, every own candidate with anything
    /// needed.
    [[nodiscard]] std::vector<PackName> removable(const RunId& run,
                                                  const std::set<PackName>& own) const;

private:
    using PackSet = CopyTable::PackSet;
    using Depths = CopyTable::Depths;

    [[nodiscard]] const PackName& name_of(std::size_t pack) const { return view_.packs[pack].name; }
    [[nodiscard]] bool suffices(const PackSet& from) const;
    /// Adds to `stay` the shortest beginning of `more` with which it suffices. False: not even all
    /// do, and nothing was added.
    [[nodiscard]] bool complete(PackSet& stay, const std::vector<std::uint32_t>& more) const;
    /// Whether it is known what would be lost with the pack: by its directory; or because it is
    /// recorded as damaged and all that is needed decodes from others, whatever it holds.
    [[nodiscard]] bool may_judge(std::size_t pack) const;
    /// Adds packs that hold a part of something that does not decode, and that nothing else has.
    void keep_parts_of_what_is_lost(PackSet& stay) const;

    const CollectionView& view_;
    CopyTable table_;
    Depths from_all_;  ///< What decodes from all sound packs.
};

}  // namespace dbbackup
