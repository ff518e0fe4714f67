/// @file
/// Which chunks decode from which packs.

#include "model/scenario.hpp"

#include <cstddef>
#include <utility>

namespace dbbackup::model {

World::World(Scenario scenario, Rules rules) : scenario_(std::move(scenario)), rules_(rules) {
    needs_ = scenario_.needs;
    for (const Writer& writer : scenario_.writers) {
        for (const int run : writer.runs) {
            needs_[static_cast<std::size_t>(run)] = writer.needs;
        }
    }
    for (std::size_t pack = 0; pack < scenario_.packs.size(); ++pack) {
        for (const Copy& copy : scenario_.packs[pack]) {
            add(holds_[pack], bit<ChunkSet>(copy.chunk));
        }
    }
    for (std::size_t chunk = 0; chunk < scenario_.lists.size(); ++chunk) {
        if (scenario_.lists[chunk] != 0) {
            add(list_chunks_, bit<ChunkSet>(static_cast<int>(chunk)));
        }
    }
    const bool damage_seen = rules_.keep(Rule::damaged_provide_nothing);
    const std::size_t sets = std::size_t{1} << scenario_.packs.size();
    for (std::size_t set = 0; set < sets; ++set) {
        const auto packs = static_cast<PackSet>(set);
        decodable_.push_back(decode(packs, false, true));
        believed_.push_back(decode(packs, !damage_seen, rules_.keep(Rule::depth_order)));
    }
    const PackSet start = scenario_.start.packs;
    lost_ = without(decode(start, true, true), decode(start, false, true));
}

ChunkSet World::decode(PackSet packs, bool damaged_too, bool depths) const {
    constexpr int kDepths = 3;
    // With depths the smallest set that the rules make; without them the largest that holds itself
    // up.
    ChunkSet known = depths ? ChunkSet{0} : ChunkSet{0xff};
    for (int round = 0; round < (depths ? kDepths : kChunksMax); ++round) {
        ChunkSet now = depths ? known : ChunkSet{0};
        for (int pack = 0; pack < this->packs(); ++pack) {
            if (!has(packs, pack)) {
                continue;
            }
            for (const Copy& copy : scenario_.packs[static_cast<std::size_t>(pack)]) {
                const bool good = damaged_too || !copy.damaged;
                const bool now_due = !depths || copy.depth == round;
                if (good && now_due && (copy.base < 0 || has(known, copy.base))) {
                    add(now, bit<ChunkSet>(copy.chunk));
                }
            }
        }
        known = now;
    }
    return known;
}

ChunkSet World::with_bases(ChunkSet chunks, PackSet packs) const {
    for (ChunkSet before = 0; before != chunks;) {
        before = chunks;
        for (int pack = 0; pack < this->packs(); ++pack) {
            for (const Copy& copy : scenario_.packs[static_cast<std::size_t>(pack)]) {
                if (has(packs, pack) && copy.base >= 0 && has(chunks, copy.chunk)) {
                    add(chunks, bit<ChunkSet>(copy.base));
                }
            }
        }
    }
    return chunks;
}

ChunkSet World::needs(ManifestSet manifests) const {
    ChunkSet chunks = 0;
    for (int manifest = 0; manifest < kManifestsMax; ++manifest) {
        if (has(manifests, manifest)) {
            add(chunks, needs(manifest));
        }
    }
    return chunks;
}

ManifestSet World::pinned_by(ManifestSet manifests) const {
    ManifestSet pinned = 0;
    for (const Writer& writer : scenario_.writers) {
        for (const int run : writer.runs) {
            if (writer.pins >= 0 && has(manifests, run)) {
                add(pinned, bit<ManifestSet>(writer.pins));
            }
        }
    }
    return pinned;
}

ChunkSet World::listed_by(ChunkSet lists) const {
    ChunkSet chunks = 0;
    for (int chunk = 0; chunk < kChunksMax; ++chunk) {
        if (has(lists, chunk)) {
            add(chunks, scenario_.lists[static_cast<std::size_t>(chunk)]);
        }
    }
    return chunks;
}

}  // namespace dbbackup::model
