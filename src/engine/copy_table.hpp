#pragma once

/// @file
/// Part of `prune`: every copy of what is needed, by number instead of by name, and what decodes
/// from which packs. Pure: it only looks at what was read.
///
/// A chunk decodes from a set of packs when one of its copies lies there and each base of it
/// decodes from a copy of smaller depth.

#include "engine/collection_view.hpp"
#include "engine/pack_directories.hpp"
#include "repository/chunk_copy.hpp"
#include "sys/scratch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dbbackup {

/// Immutable once made. Borrows the view.
class CopyTable {
public:
    /// By place in the view's packs.
    using PackSet = std::vector<bool>;
    /// By number of a chunk: the least depth at which it decodes, or `kNever`.
    using Depths = ScratchArray<std::uint8_t>;
    static constexpr std::uint8_t kNever = 255;

    /// A copy of a chunk that is needed, or of a base of one.
    struct Copy {
        std::uint32_t record = 0;  ///< Place among the view's chunk records.
        std::uint32_t pack = 0;    ///< Place in the view's packs.
        std::uint32_t chunk = 0;   ///< Its number.
        std::uint32_t sealed_bytes = 0;
        std::array<std::uint32_t, kBasesMax> bases{};  ///< Numbers.
        std::uint8_t depth = 0;
        std::uint8_t base_count = 0;
    };

    explicit CopyTable(const CollectionView& view);

    [[nodiscard]] const CollectionView& view() const noexcept { return view_; }
    [[nodiscard]] std::uint32_t pack_count() const noexcept {
        return static_cast<std::uint32_t>(view_.packs.size());
    }
    [[nodiscard]] const PackState& state(std::size_t pack) const { return view_.packs[pack]; }
    /// By depth, so bases come before what is made from them.
    [[nodiscard]] std::span<const Copy> copies() const noexcept { return copies_.span(); }
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
    std::vector<bool> holds_needed_;
    ScratchArray<Copy> copies_;
    std::uint32_t chunks_ = 0;
};

}  // namespace dbbackup
