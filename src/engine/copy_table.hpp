#pragma once

/// @file
/// Part of `prune`: every copy of what is needed, by number instead of by name, and what decodes
/// from which packs. Pure: it only looks at what was read.
///
/// A chunk decodes from a set of packs when one of its copies lies there and each base of it
/// decodes from a copy of smaller depth.

#include "engine/collection_view.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dbbackup {

/// Immutable once made. Borrows the view.
class CopyTable {
public:
    /// By place in `packs()`.
    using PackSet = std::vector<bool>;
    /// By number of a chunk: the least depth at which it decodes, or `kNever`.
    using Depths = std::vector<std::uint8_t>;
    static constexpr std::uint8_t kNever = 255;

    /// A copy of a chunk that is needed, or of a base of one.
    struct Copy {
        const PackEntry* entry = nullptr;
        std::uint32_t pack = 0;   ///< Place in `packs()`.
        std::uint32_t chunk = 0;  ///< Its number.
        std::uint8_t depth = 0;
        std::uint8_t base_count = 0;
        std::array<std::uint32_t, kBasesMax> bases{};  ///< Numbers.
    };

    explicit CopyTable(const CollectionView& view);

    [[nodiscard]] const CollectionView& view() const noexcept { return view_; }
    /// In name order.
    [[nodiscard]] const std::vector<PackName>& packs() const noexcept { return packs_; }
    [[nodiscard]] const PackState& state(std::size_t pack) const { return *states_[pack]; }
    /// By depth, so bases come before what is made from them.
    [[nodiscard]] const std::vector<Copy>& copies() const noexcept { return copies_; }
    /// Numbers go from 0 to below this.
    [[nodiscard]] std::uint32_t chunks() const noexcept { return chunks_; }
    /// Whether a snapshot that stays needs the chunk itself.
    [[nodiscard]] bool is_needed(std::uint32_t chunk) const { return chunk < view_.needed.size(); }
    [[nodiscard]] bool holds_needed(std::size_t pack) const { return holds_needed_[pack]; }

    [[nodiscard]] Depths decode(const PackSet& from) const;
    /// Whether the bases of `copy` decode, as `depths` say, so that it does.
    [[nodiscard]] static bool has_bases(const Copy& copy, const Depths& depths);
    /// Packs as long as their directories say, and not recorded as damaged.
    [[nodiscard]] PackSet sound_packs() const;

private:
    const CollectionView& view_;
    std::vector<PackName> packs_;
    std::vector<const PackState*> states_;
    std::vector<bool> holds_needed_;
    std::vector<Copy> copies_;
    std::uint32_t chunks_ = 0;
};

}  // namespace dbbackup
