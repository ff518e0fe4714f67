#include "engine/copy_table.hpp"

#include "engine/name_table.hpp"

#include <algorithm>
#include <numeric>

namespace dbbackup {
namespace {

/// An entry of some pack's directory.
struct Entry {
    std::uint32_t pack;  ///< Place in the view's packs.
    std::uint32_t record;
};

/// Calls `use(pack, record, chunk)` for each entry of each pack, in their order.
template <class Use>
void for_each_entry(const CollectionView& view, const Use& use) {
    for (std::uint32_t pack = 0; pack < view.packs.size(); ++pack) {
        const PackState& state = view.packs[pack];
        if (state.has_directory()) {
            std::uint32_t record = view.directories->first_chunk(state.directory);
            for (const ChunkRecord& chunk : view.directories->chunks(state.directory)) {
                use(pack, record++, chunk);
            }
        }
    }
}

/// All entries, the deepest first.
ScratchArray<Entry> by_depth(const CollectionView& view) {
    std::array<std::size_t, kDepthMax + 2> ends{};
    for_each_entry(view, [&](std::uint32_t, std::uint32_t, const ChunkRecord& chunk) {
        ++ends.at(kDepthMax - std::size_t{chunk.depth} + 1);
    });
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
    ScratchArray<Entry> entries(view.scratch());
    entries.resize(ends.back(), {});
    for_each_entry(view, [&](std::uint32_t pack, std::uint32_t record, const ChunkRecord& chunk) {
        entries[ends.at(kDepthMax - std::size_t{chunk.depth})++] = {pack, record};
    });
    return entries;
}

}  // namespace

CopyTable::CopyTable(const CollectionView& view)
    : view_(view), holds_needed_(view.packs.size(), false), copies_(view.scratch()) {
    const PackDirectories& directories = *view.directories;
    NameTable<ChunkId> numbers(view.scratch(), view.needed.span());
    // Deepest first: a base is shallower than what is made from it, so it is numbered by then.
    for (const Entry& each : by_depth(view)) {
        const ChunkRecord& chunk = directories.chunk(each.record);
        const std::optional<std::uint32_t> number = numbers.find(chunk.id);
        if (!number) {
            continue;
        }
        Copy copy{each.record, each.pack,   *number,         chunk.sealed_bytes,
                  {},          chunk.depth, chunk.base_count};
        const std::span<const ChunkId> bases = directories.bases(chunk);
        std::transform(bases.begin(), bases.end(), copy.bases.begin(),
                       [&numbers](const ChunkId& base) { return numbers.add(base); });
        copies_.push_back(copy);
        holds_needed_[each.pack] = true;
    }
    std::reverse(copies_.begin(), copies_.end());
    chunks_ = numbers.size();
}

bool CopyTable::has_bases(const Copy& copy, const Depths& depths) {
    return std::all_of(copy.bases.begin(), copy.bases.begin() + copy.base_count,
                       [&](std::uint32_t base) { return depths[base] < copy.depth; });
}

CopyTable::Depths CopyTable::decode(const PackSet& from) const {
    Depths depths(view_.scratch(), chunks_, kNever);
    for (const Copy& copy : copies_) {  // By depth, so bases come first.
        if (from[copy.pack] && has_bases(copy, depths)) {
            depths[copy.chunk] = std::min(depths[copy.chunk], copy.depth);
        }
    }
    return depths;
}

CopyTable::PackSet CopyTable::sound_packs() const {
    PackSet sound;
    for (const PackState& state : view_.packs) {
        sound.push_back(state.is_sound);
    }
    return sound;
}

}  // namespace dbbackup
