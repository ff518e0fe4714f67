#include "model/choice.hpp"

#include <vector>

namespace dbbackup::model {
namespace {

std::vector<int> in_order(const World& world, PackSet set, Preference preference) {
    std::vector<int> order;
    if (preference.first >= 0 && has(set, preference.first)) {
        order.push_back(preference.first);
    }
    for (int place = 0; place < world.packs(); ++place) {
        const int pack = preference.descending ? world.packs() - 1 - place : place;
        if (has(set, pack) && pack != preference.first) {
            order.push_back(pack);
        }
    }
    return order;
}

PackSet that_hold(const World& world, PackSet set, ChunkSet chunks) {
    PackSet found = 0;
    for (int pack = 0; pack < world.packs(); ++pack) {
        if (has(set, pack) && (world.holds(pack) & chunks) != 0) {
            add(found, bit(pack));
        }
    }
    return found;
}

/// Adds packs of `from` to `stay`, one by one, until `want` decodes.
PackSet extend(const World& world, PackSet stay, PackSet from, ChunkSet want,
               Preference preference) {
    const ChunkSet useful = world.with_bases(want, static_cast<PackSet>(stay | from));
    for (const int pack : in_order(world, from, preference)) {
        if (within(want, world.believed_decodable(stay))) {
            break;
        }
        if ((world.holds(pack) & without(useful, world.believed_decodable(stay))) != 0) {
            add(stay, bit(pack));
        }
    }
    return stay;
}

/// The same, one pack for each chunk and each base by itself.
PackSet extend_by_chunk(const World& world, PackSet stay, PackSet from, ChunkSet want,
                        Preference preference) {
    const ChunkSet useful = world.with_bases(want, static_cast<PackSet>(stay | from));
    const PackSet before = stay;
    for (int chunk = 0; chunk < kChunksMax; ++chunk) {
        if (!has(useful, chunk) || that_hold(world, before, bit<ChunkSet>(chunk)) != 0) {
            continue;
        }
        for (const int pack : in_order(world, from, preference)) {
            if (has(world.holds(pack), chunk)) {
                add(stay, bit(pack));
                break;
            }
        }
    }
    return stay;
}

/// What has to decode from what stays.
ChunkSet wanted(const World& world, ManifestSet keep, ChunkSet decodable) {
    if (world.rules().keep(Rule::damage_by_chunk)) {
        return static_cast<ChunkSet>(world.needs(keep) & decodable);
    }
    ChunkSet want = 0;
    for (int manifest = 0; manifest < kManifestsMax; ++manifest) {
        if (has(keep, manifest) && within(world.needs(manifest), decodable)) {
            add(want, world.needs(manifest));
        }
    }
    return want;
}

struct Wish {
    ChunkSet want = 0;  ///< Has to decode.
    ChunkSet lost = 0;  ///< Should, and does not whatever stays.
    bool list_lost = false;
};

Wish wish(const World& world, ManifestSet keep, PackSet usable) {
    const ChunkSet decodable = world.believed_decodable(usable);
    Wish wish{wanted(world, keep, decodable), without(world.needs(keep), decodable), false};
    const auto lost_lists = static_cast<ChunkSet>(wish.lost & world.list_chunks());
    wish.list_lost = lost_lists != 0;
    // Nobody can know what they name.
    take(wish.want, world.listed_by(lost_lists));
    return wish;
}

}  // namespace

PackSet candidates(const World& world, const View& view, Preference preference) {
    const PackSet usable = without(view.packs, view.listed);
    const Wish wished = wish(world, view.keep, usable);
    if (wished.list_lost && world.rules().keep(Rule::lost_list_stops)) {
        return static_cast<PackSet>(view.packs & view.listed);
    }
    const PackSet free = without(usable, view.others);
    PackSet stay = extend(world, 0, free, wished.want, preference);
    if (!within(wished.want, world.believed_decodable(stay))) {
        const ChunkSet useful = world.with_bases(wished.want, usable);
        stay = that_hold(world, free, useful);
    }
    const PackSet rest = without(view.packs, stay);
    return world.rules().keep(Rule::others_condemned_too) ? rest : without(rest, view.others);
}

PackSet stays(const World& world, const View& view, Preference preference) {
    const Rules& rules = world.rules();
    const PackSet listed = rules.keep(Rule::collector_removed_check) ? view.listed : PackSet{0};
    const PackSet usable = without(view.packs, listed);
    const Wish wished = wish(world, view.keep, usable);
    if (wished.list_lost && rules.keep(Rule::lost_list_stops)) {
        return usable;
    }
    const PackSet others = rules.keep(Rule::others_provide_nothing) ? view.others : PackSet{0};
    const auto own = static_cast<PackSet>(view.own & usable);
    const PackSet sole =
        rules.keep(Rule::prefer_sole_candidates) ? without(own, others) : PackSet{0};
    const PackSet free = without(without(usable, own), others);
    PackSet stay = preference.by_chunk ? extend_by_chunk(world, free, sole, wished.want, preference)
                                       : extend(world, free, sole, wished.want, preference);
    const ChunkSet useful = world.with_bases(wished.want, usable);
    const bool enough = within(wished.want, world.believed_decodable(stay));
    if (!preference.by_chunk && !enough) {
        if (rules.keep(Rule::keep_all_in_doubt)) {
            add(stay, that_hold(world, own, useful));
        } else {
            const auto rest = static_cast<PackSet>(own | (usable & others));
            stay = extend(world, stay, rest, wished.want, preference);
        }
    }
    if (rules.keep(Rule::lost_chunks_stay)) {
        add(stay, that_hold(world, own, world.with_bases(wished.lost, usable)));
    }
    return stay;
}

}  // namespace dbbackup::model
