#pragma once

/// @file
/// Part of `prune`: which packs may go. Pure: it only looks at what was read.
///
/// A chunk decodes from a set of packs when one of its copies lies there and each base of it
/// decodes from a copy of smaller depth. What decodes from all packs that there are must decode
/// from those that stay; what does not (something is lost) is made no worse.

#include "engine/collection_view.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace dbbackup {

/// Immutable once made.
class PackChoice {
public:
    /// @param view Borrowed.
    explicit PackChoice(const CollectionView& view);

    /// What a collection may put in its marker: all packs but those that the snapshots refer to and
    /// those without which something would not decode.
    [[nodiscard]] std::vector<PackName> candidates() const;

    /// Those of `own` that a collection may remove (docs/protocol.md, step 6). What stays is first
    /// the packs in no marker; if they don't suffice, own candidates that no other undecided marker
    /// names, in name order; if those don't suffice either, every own candidate with anything
    /// needed.
    [[nodiscard]] std::vector<PackName> removable(const RunId& run,
                                                  const std::set<PackName>& own) const;

private:
    /// By place in `packs_`.
    using PackSet = std::vector<bool>;
    /// By number of a chunk: the least depth at which it decodes, or `kNever`.
    using Depths = std::vector<std::uint8_t>;
    static constexpr std::uint8_t kNever = 255;
    /// A copy of a chunk that is needed, or of a base of one.
    struct Copy {
        std::uint32_t pack = 0;
        std::uint32_t chunk = 0;
        std::uint8_t depth = 0;
        std::uint8_t base_count = 0;
        std::array<std::uint32_t, kBasesMax> bases{};
    };

    void collect_copies();
    [[nodiscard]] Depths decode(const PackSet& from) const;
    [[nodiscard]] bool suffices(const PackSet& from) const;
    /// Adds to `stay` the shortest beginning of `more` with which it suffices. False: not even all
    /// do, and nothing was added.
    [[nodiscard]] bool complete(PackSet& stay, const std::vector<std::uint32_t>& more) const;
    /// Adds packs that hold a part of something that does not decode, and that nothing else has.
    void keep_parts_of_what_is_lost(PackSet& stay) const;
    [[nodiscard]] PackSet sound_packs() const;

    const CollectionView& view_;
    std::vector<PackName> packs_;     ///< In name order.
    std::vector<bool> holds_needed_;  ///< By place: it has one of `copies_`.
    std::vector<Copy> copies_;        ///< By depth.
    std::uint32_t chunks_ = 0;        ///< The first `view_.needed.size()` are those.
    Depths from_all_;                 ///< What decodes from all sound packs.
};

}  // namespace dbbackup
