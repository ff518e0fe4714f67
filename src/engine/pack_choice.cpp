#include "engine/pack_choice.hpp"

#include <algorithm>
#include <ranges>

namespace dbbackup {
namespace {

bool has(const std::vector<PackName>& sorted, const PackName& pack) {
    return std::binary_search(sorted.begin(), sorted.end(), pack);
}

}  // namespace

PackChoice::PackChoice(const CollectionView& view)
    : view_(view), table_(view), from_all_(table_.decode(table_.sound_packs())) {}

bool PackChoice::suffices(const PackSet& from) const {
    const Depths depths = table_.decode(from);
    for (std::size_t chunk = 0; chunk < view_.needed.size(); ++chunk) {
        if (depths[chunk] == CopyTable::kNever && from_all_[chunk] != CopyTable::kNever) {
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
    const PackSet all = with(more.size());
    if (!suffices(all)) {
        return false;
    }
    // What lies in one pack alone decides that one without any trying.
    ScratchArray<bool> is_copied(view_.scratch(), table_.chunks(), false);
    ScratchArray<bool> is_copied_again(view_.scratch(), table_.chunks(), false);
    for (const CopyTable::Copy& copy : table_.copies()) {
        if (all[copy.pack]) {
            is_copied_again[copy.chunk] = is_copied[copy.chunk];
            is_copied[copy.chunk] = true;
        }
    }
    ScratchArray<bool> must_decode(view_.scratch(), table_.chunks(), false);
    for (std::size_t chunk = 0; chunk < view_.needed.size(); ++chunk) {
        must_decode[chunk] = from_all_[chunk] != CopyTable::kNever;
    }
    for (const CopyTable::Copy& copy : std::views::reverse(table_.copies())) {
        if (all[copy.pack] && must_decode[copy.chunk] && !is_copied_again[copy.chunk]) {
            stay[copy.pack] = true;
            for (std::size_t base = 0; base < copy.base_count; ++base) {
                must_decode[copy.bases.at(base)] = true;
            }
        }
    }
    // More packs never decode less, so the shortest beginning is found by halving. Its last pack is
    // needed, and of those before it only what is still missing beside that one.
    std::size_t enough = more.size();
    while (!suffices(stay)) {
        std::size_t too_few = 0;
        while (enough - too_few > 1) {
            const std::size_t middle = too_few + (enough - too_few) / 2;
            (suffices(with(middle)) ? enough : too_few) = middle;
        }
        stay[more[--enough]] = true;
    }
    return true;
}

void PackChoice::keep_parts_of_what_is_lost(PackSet& stay) const {
    ScratchArray<bool> is_lost(view_.scratch(), table_.chunks(), false);
    for (std::size_t chunk = 0; chunk < view_.needed.size(); ++chunk) {
        is_lost[chunk] = from_all_[chunk] == CopyTable::kNever;
    }
    const Depths depths = table_.decode(stay);
    for (const CopyTable::Copy& copy : std::views::reverse(table_.copies())) {
        if (!is_lost[copy.chunk]) {
            continue;
        }
        for (std::size_t base = 0; base < copy.base_count; ++base) {
            is_lost[copy.bases.at(base)] = true;
        }
        if (depths[copy.chunk] == CopyTable::kNever) {
            stay[copy.pack] = true;
        }
    }
}

bool PackChoice::may_judge(std::size_t pack) const {
    const PackState& state = table_.state(pack);
    if (state.has_directory()) {
        return true;
    }
    const auto decodes = [this](std::size_t chunk) {
        return from_all_[chunk] != CopyTable::kNever;
    };
    return state.is_recorded_damaged &&
           std::ranges::all_of(std::views::iota(std::size_t{0}, view_.needed.size()), decodes);
}

std::vector<PackName> PackChoice::candidates(const Compacted& compacted) const {
    if (!view_.problems.empty()) {
        return {};
    }
    const std::uint32_t packs = table_.pack_count();
    const PackSet sound = table_.sound_packs();
    const std::set<PackName> condemned = view_.records.condemned_by_others("");
    const auto must_stay = [&](std::uint32_t pack) {
        const PackState& state = table_.state(pack);
        return has(compacted.stored, state.name) ||
               (state.is_referred && !state.is_recorded_damaged &&
                !has(compacted.emptied, state.name));
    };
    PackSet stay(packs, false);
    std::vector<std::uint32_t> others;
    std::vector<std::uint32_t> emptied;  // Last: only if something could not be taken out of them.
    for (std::uint32_t place = 0; place < packs; ++place) {
        if (must_stay(place)) {
            stay[place] = sound[place];
        } else if (sound[place] && table_.holds_needed(place) &&
                   !condemned.contains(name_of(place))) {
            (has(compacted.emptied, name_of(place)) ? emptied : others).push_back(place);
        }
    }
    others.insert(others.end(), emptied.begin(), emptied.end());
    if (!complete(stay, others)) {
        for (std::uint32_t place = 0; place < packs; ++place) {
            stay[place] = stay[place] || table_.holds_needed(place);
        }
    }
    keep_parts_of_what_is_lost(stay);
    std::vector<PackName> result;
    for (std::uint32_t place = 0; place < packs; ++place) {
        if (may_judge(place) && !stay[place] && !must_stay(place)) {
            result.push_back(name_of(place));
        }
    }
    return result;
}

std::vector<PackName> PackChoice::removable(const RunId& run, const std::set<PackName>& own) const {
    if (!view_.problems.empty()) {
        return {};
    }
    const std::uint32_t packs = table_.pack_count();
    const PackSet sound = table_.sound_packs();
    const std::set<PackName> of_others = view_.records.condemned_by_others(run);
    PackSet stay(packs, false);
    std::vector<std::uint32_t> only_own;
    for (std::uint32_t place = 0; place < packs; ++place) {
        const bool is_own = own.contains(name_of(place));
        const bool is_of_others = of_others.contains(name_of(place));
        stay[place] = sound[place] && !is_own && !is_of_others;
        // One that holds nothing needed would change nothing.
        if (sound[place] && is_own && !is_of_others && table_.holds_needed(place)) {
            only_own.push_back(place);
        }
    }
    if (!complete(stay, only_own)) {
        for (std::uint32_t place = 0; place < packs; ++place) {
            stay[place] =
                stay[place] || (own.contains(name_of(place)) && table_.holds_needed(place));
        }
    }
    keep_parts_of_what_is_lost(stay);
    std::vector<PackName> result;
    for (std::uint32_t place = 0; place < packs; ++place) {
        if (own.contains(name_of(place)) && may_judge(place) && !stay[place]) {
            result.push_back(name_of(place));
        }
    }
    return result;
}

}  // namespace dbbackup
