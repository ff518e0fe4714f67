#include "engine/copy_table.hpp"

#include <algorithm>
#include <unordered_map>

namespace dbbackup {

CopyTable::CopyTable(const CollectionView& view) : view_(view) {
    struct Entry {
        std::uint32_t pack;
        const PackEntry* entry;
    };
    std::array<std::vector<Entry>, kDepthMax + 1> by_depth;
    for (const auto& [name, state] : view.packs) {
        if (state.directory) {
            for (const PackEntry& entry : state.directory->entries) {
                by_depth.at(entry.form.depth)
                    .push_back({static_cast<std::uint32_t>(packs_.size()), &entry});
            }
        }
        packs_.push_back(name);
        states_.push_back(&state);
    }
    holds_needed_.assign(packs_.size(), false);
    std::unordered_map<ChunkId, std::uint32_t> numbers;
    const auto number_of = [&numbers](const ChunkId& id) {
        return numbers.try_emplace(id, static_cast<std::uint32_t>(numbers.size())).first->second;
    };
    for (const ChunkId& id : view.needed) {
        number_of(id);
    }
    // Deepest first: a base is shallower than what is made from it, so it is numbered by then.
    for (std::size_t depth = by_depth.size(); depth-- > 0;) {
        for (const Entry& each : by_depth.at(depth)) {
            const ChunkForm& form = each.entry->form;
            const auto number = numbers.find(form.id);
            if (number == numbers.end()) {
                continue;
            }
            Copy copy{each.entry,
                      each.pack,
                      number->second,
                      form.depth,
                      static_cast<std::uint8_t>(form.base_ids.size()),
                      {}};
            std::transform(form.base_ids.begin(), form.base_ids.end(), copy.bases.begin(),
                           number_of);
            copies_.push_back(copy);
            holds_needed_[each.pack] = true;
        }
    }
    std::reverse(copies_.begin(), copies_.end());
    chunks_ = static_cast<std::uint32_t>(numbers.size());
}

bool CopyTable::has_bases(const Copy& copy, const Depths& depths) {
    return std::all_of(copy.bases.begin(), copy.bases.begin() + copy.base_count,
                       [&](std::uint32_t base) { return depths[base] < copy.depth; });
}

CopyTable::Depths CopyTable::decode(const PackSet& from) const {
    Depths depths(chunks_, kNever);
    for (const Copy& copy : copies_) {  // By depth, so bases come first.
        if (from[copy.pack] && has_bases(copy, depths)) {
            depths[copy.chunk] = std::min(depths[copy.chunk], copy.depth);
        }
    }
    return depths;
}

CopyTable::PackSet CopyTable::sound_packs() const {
    PackSet sound;
    for (const PackState* state : states_) {
        sound.push_back(state->is_sound);
    }
    return sound;
}

}  // namespace dbbackup
