#include "engine/pack_choice.hpp"

#include <algorithm>
#include <ranges>
#include <unordered_map>

namespace dbbackup {

PackChoice::PackChoice(const CollectionView& view) : view_(view) {
    for (const auto& [name, state] : view.packs) {
        packs_.push_back(name);
    }
    holds_needed_.assign(packs_.size(), false);
    collect_copies();
    from_all_ = decode(sound_packs());
}

void PackChoice::collect_copies() {
    struct Entry {
        std::uint32_t pack;
        const PackEntry* entry;
    };
    std::array<std::vector<Entry>, kDepthMax + 1> by_depth;
    std::uint32_t place = 0;
    for (const auto& [name, state] : view_.packs) {
        if (state.directory) {
            for (const PackEntry& entry : state.directory->entries) {
                by_depth.at(entry.form.depth).push_back({place, &entry});
            }
        }
        ++place;
    }
    std::unordered_map<ChunkId, std::uint32_t> numbers;
    const auto number_of = [&numbers](const ChunkId& id) {
        return numbers.try_emplace(id, static_cast<std::uint32_t>(numbers.size())).first->second;
    };
    for (const ChunkId& id : view_.needed) {
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
            Copy copy{each.pack,
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

PackChoice::Depths PackChoice::decode(const PackSet& from) const {
    Depths depths(chunks_, kNever);
    for (const Copy& copy : copies_) {  // By depth, so bases come first.
        const bool has_bases =
            std::all_of(copy.bases.begin(), copy.bases.begin() + copy.base_count,
                        [&](std::uint32_t base) { return depths[base] < copy.depth; });
        if (from[copy.pack] && has_bases) {
            depths[copy.chunk] = std::min(depths[copy.chunk], copy.depth);
        }
    }
    return depths;
}

bool PackChoice::suffices(const PackSet& from) const {
    const Depths depths = decode(from);
    for (std::size_t chunk = 0; chunk < view_.needed.size(); ++chunk) {
        if (depths[chunk] == kNever && from_all_[chunk] != kNever) {
            return false;
        }
    }
    return true;
}

bool PackChoice::complete(PackSet& stay, const std::vector<std::uint32_t>& more) const {
    const auto with = [&](std::size_t count) {
        PackSet packs = stay;
        for (std::size_t place = 0; place < count; ++place) {
            packs[more[place]] = true;
        }
        return packs;
    };
    if (!suffices(with(more.size()))) {
        return false;
    }
    // More packs never decode less, so the shortest beginning is found by halving.
    std::size_t too_few = 0;
    std::size_t enough = more.size();
    if (suffices(stay)) {
        return true;
    }
    while (enough - too_few > 1) {
        const std::size_t middle = too_few + (enough - too_few) / 2;
        (suffices(with(middle)) ? enough : too_few) = middle;
    }
    stay = with(enough);
    return true;
}

void PackChoice::keep_parts_of_what_is_lost(PackSet& stay) const {
    std::vector<bool> is_lost(chunks_, false);
    for (std::size_t chunk = 0; chunk < view_.needed.size(); ++chunk) {
        is_lost[chunk] = from_all_[chunk] == kNever;
    }
    const Depths depths = decode(stay);
    for (const Copy& copy : std::views::reverse(copies_)) {
        if (!is_lost[copy.chunk]) {
            continue;
        }
        for (std::size_t base = 0; base < copy.base_count; ++base) {
            is_lost[copy.bases.at(base)] = true;
        }
        if (depths[copy.chunk] == kNever) {
            stay[copy.pack] = true;
        }
    }
}

PackChoice::PackSet PackChoice::sound_packs() const {
    PackSet sound;
    for (const auto& [name, state] : view_.packs) {
        sound.push_back(state.is_sound);
    }
    return sound;
}

std::vector<PackName> PackChoice::candidates() const {
    if (!view_.problems.empty()) {
        return {};
    }
    const PackSet sound = sound_packs();
    const std::set<PackName> condemned = view_.records.condemned_by_others("");
    PackSet stay(packs_.size(), false);
    std::vector<std::uint32_t> others;
    for (std::uint32_t place = 0; place < packs_.size(); ++place) {
        if (view_.referred.contains(packs_[place])) {
            stay[place] = sound[place];
        } else if (sound[place] && holds_needed_[place] && !condemned.contains(packs_[place])) {
            others.push_back(place);
        }
    }
    if (!complete(stay, others)) {
        for (std::uint32_t place = 0; place < packs_.size(); ++place) {
            stay[place] = stay[place] || holds_needed_[place];
        }
    }
    keep_parts_of_what_is_lost(stay);
    std::vector<PackName> result;
    for (std::uint32_t place = 0; place < packs_.size(); ++place) {
        const bool is_known = view_.packs.at(packs_[place]).directory != nullptr;
        if (is_known && !stay[place] && !view_.referred.contains(packs_[place])) {
            result.push_back(packs_[place]);
        }
    }
    return result;
}

std::vector<PackName> PackChoice::removable(const RunId& run, const std::set<PackName>& own) const {
    if (!view_.problems.empty()) {
        return {};
    }
    const PackSet sound = sound_packs();
    const std::set<PackName> of_others = view_.records.condemned_by_others(run);
    PackSet stay(packs_.size(), false);
    std::vector<std::uint32_t> only_own;
    for (std::uint32_t place = 0; place < packs_.size(); ++place) {
        const bool is_own = own.contains(packs_[place]);
        const bool is_of_others = of_others.contains(packs_[place]);
        stay[place] = sound[place] && !is_own && !is_of_others;
        // One that holds nothing needed would change nothing.
        if (sound[place] && is_own && !is_of_others && holds_needed_[place]) {
            only_own.push_back(place);
        }
    }
    if (!complete(stay, only_own)) {
        for (std::uint32_t place = 0; place < packs_.size(); ++place) {
            stay[place] = stay[place] || (own.contains(packs_[place]) && holds_needed_[place]);
        }
    }
    keep_parts_of_what_is_lost(stay);
    std::vector<PackName> result;
    for (std::uint32_t place = 0; place < packs_.size(); ++place) {
        const bool is_known = view_.packs.at(packs_[place]).directory != nullptr;
        if (own.contains(packs_[place]) && is_known && !stay[place]) {
            result.push_back(packs_[place]);
        }
    }
    return result;
}

}  // namespace dbbackup
