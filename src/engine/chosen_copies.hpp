#pragma once

/// @file
/// Part of `prune`: of each chunk the one copy that counts as used. Pure: it only looks at what was
/// read.

#include "engine/copy_table.hpp"
#include "repository/chunk_copy.hpp"
#include "sys/scratch.hpp"

#include <cstdint>
#include <map>

namespace dbbackup {

/// Immutable once made. Borrows the view.
class ChosenCopies {
public:
    /// No such chunk.
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    /// Chooses among the packs that are sound and that no other collection wants to remove: of each
    /// chunk the copy that takes the fewest bases, and of several the one in the pack with the
    /// least rubbish beside it.
    explicit ChosenCopies(const CollectionView& view);

    [[nodiscard]] const CopyTable& table() const noexcept { return table_; }
    /// The packs among which was chosen.
    [[nodiscard]] const CopyTable::PackSet& usable() const noexcept { return usable_; }
    /// The depths at which chunks decode from them.
    [[nodiscard]] const CopyTable::Depths& depths() const noexcept { return depths_; }
    [[nodiscard]] bool has(std::uint32_t chunk) const { return chosen_[chunk] != kNone; }
    /// @pre has(chunk)
    [[nodiscard]] const CopyTable::Copy& of(std::uint32_t chunk) const {
        return table_.copies()[chosen_[chunk]];
    }
    /// Whether the copy at this place in the table is the one of its chunk.
    [[nodiscard]] bool is_chosen(std::uint32_t place) const {
        return chosen_[table_.copies()[place].chunk] == place;
    }
    /// What all chunks of a pack take.
    [[nodiscard]] std::uint64_t chunk_bytes(std::size_t pack) const;

    /// Copies with their closures, by chunk.
    using Known = std::map<std::uint32_t, ChunkCopyPtr>;
    /// The chosen copy with its closure, as a reader takes it. @pre has(chunk)
    /// @param known What was made is taken from there, and put there.
    [[nodiscard]] ChunkCopyPtr full(std::uint32_t chunk, Known& known) const;

private:
    void choose();
    [[nodiscard]] ScratchArray<double> worths() const;

    CopyTable table_;
    CopyTable::PackSet usable_;
    CopyTable::Depths depths_;
    ScratchArray<std::uint32_t> chosen_;  ///< By chunk: place in the table's copies.
};

}  // namespace dbbackup
