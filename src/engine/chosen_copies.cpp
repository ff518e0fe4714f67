#include "engine/chosen_copies.hpp"

#include "repository/pack.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

namespace dbbackup {
namespace {

CopyTable::PackSet usable_packs(const CopyTable& table) {
    CopyTable::PackSet usable = table.sound_packs();
    const std::set<PackName> condemned = table.view().records.condemned_by_others("");
    for (std::size_t pack = 0; pack < usable.size(); ++pack) {
        usable[pack] = usable[pack] && !condemned.contains(table.state(pack).name);
    }
    return usable;
}

}  // namespace

ChosenCopies::ChosenCopies(const CollectionView& view)
    : table_(view),
      usable_(usable_packs(table_)),
      depths_(table_.decode(usable_)),
      chosen_(view.scratch(), table_.chunks(), kNone) {
    choose();
}

void ChosenCopies::choose() {
    const ScratchArray<double> worths = this->worths();
    for (std::uint32_t place = 0; place < table_.copies().size(); ++place) {
        const CopyTable::Copy& copy = table_.copies()[place];
        if (!usable_[copy.pack] || copy.depth != depths_[copy.chunk] ||
            !CopyTable::has_bases(copy, depths_)) {
            continue;
        }
        std::uint32_t& chosen = chosen_[copy.chunk];
        const auto rank = [&](std::uint32_t pack) {
            // Of equals the one that snapshots refer to: it is found without an index.
            return std::tuple(-worths[pack], !table_.state(pack).is_referred, pack);
        };
        if (chosen == kNone || rank(copy.pack) < rank(table_.copies()[chosen].pack)) {
            chosen = place;
        }
    }
}

/// How much of each pack somebody may need.
ScratchArray<double> ChosenCopies::worths() const {
    ScratchArray<double> worths(table_.view().scratch(), table_.pack_count(), 0);
    for (const CopyTable::Copy& copy : table_.copies()) {
        worths[copy.pack] += copy.sealed_bytes;
    }
    for (std::size_t pack = 0; pack < worths.size(); ++pack) {
        worths[pack] /= static_cast<double>(std::max<std::uint64_t>(chunk_bytes(pack), 1));
    }
    return worths;
}

std::uint64_t ChosenCopies::chunk_bytes(std::size_t pack) const {
    const PackState& state = table_.state(pack);
    return state.has_directory() ? table_.view().directories->chunk_bytes(state.directory) : 0;
}

ChunkCopyPtr ChosenCopies::full(std::uint32_t chunk, Known& known) const {
    if (const auto made = known.find(chunk); made != known.end()) {
        return made->second;
    }
    const CopyTable::Copy& copy = of(chunk);
    std::vector<ChunkCopyPtr> bases;
    for (std::size_t base = 0; base < copy.base_count; ++base) {
        bases.push_back(full(copy.bases.at(base), known));
    }
    const PackState& state = table_.state(copy.pack);
    const PackDirectories& directories = *table_.view().directories;
    auto pack = std::make_shared<PackIdentity>();
    pack->name = state.name;
    pack->salt = directories.salt(state.directory);
    pack->is_stored = true;
    ChunkCopyPtr made =
        copy_in(std::move(pack), directories.entry(state.directory, copy.record), std::move(bases));
    known.emplace(chunk, made);
    return made;
}

}  // namespace dbbackup
