/// @file
/// What must hold: in every state, and once everything is quiet.

#include "model/choice.hpp"
#include "model/steps.hpp"

#include <cstddef>

namespace dbbackup::model {

Removed all_listed(const State& state, CollectionSet outcomes) {
    Removed all;
    for (int run = 0; run < kCollectionsMax; ++run) {
        if (has(outcomes, run)) {
            const Removed& list = state.lists[static_cast<std::size_t>(run)];
            add(all.packs, list.packs);
            add(all.indexes, list.indexes);
            add(all.manifests, list.manifests);
            add(all.taken, list.taken);
        }
    }
    return all;
}

PackSet all_marked(const State& state, CollectionSet markers) {
    PackSet packs = 0;
    for (int run = 0; run < kCollectionsMax; ++run) {
        if (has(markers, run)) {
            add(packs, state.marker_packs[static_cast<std::size_t>(run)]);
        }
    }
    return packs;
}

ManifestSet visible(const World& world, const State& state) {
    ManifestSet manifests = without(state.manifests, state.manifest_tombstones);
    if (world.rules().keep(Rule::removed_manifests_stay)) {
        take(manifests, all_listed(state, state.outcomes).manifests);
    }
    return manifests;
}

Fault safety_fault(const World& world, const State& state) {
    if ((state.manifests & state.manifest_tombstones) != 0 ||
        (state.outcomes & state.collection_tombstones) != 0) {
        return "a run has two outcomes";
    }
    // What is on a list may be deleted at any moment, so it counts as gone already.
    const PackSet safe = without(state.packs, all_listed(state, state.outcomes).packs);
    const ChunkSet needed = world.needs(visible(world, state));
    const ChunkSet lost = without(needed, world.decodable(safe));
    if (!within(lost, world.lost())) {
        return "a visible snapshot does not decode from packs that stay";
    }
    for (int pack = 0; pack < world.packs() && lost != 0; ++pack) {
        if (has(world.scenario().start.packs, pack) && (world.holds(pack) & lost) != 0 &&
            !has(safe, pack)) {
            return "what is left of a damaged chunk goes";
        }
    }
    if (world.has_indexes()) {
        PackSet covered = 0;
        for (int index = 0; index < 16; ++index) {
            if (has(state.indexes, index)) {
                add(covered, state.index_covers[static_cast<std::size_t>(index)]);
            }
        }
        if (!within(static_cast<PackSet>(safe & state.packs_indexed), covered)) {
            return "a pack that stays is in no index any more";
        }
    }
    if (!within(world.pinned_by(state.manifests), visible(world, state))) {
        return "a pinned snapshot goes";
    }
    for (std::size_t place = 0; place < world.scenario().readers.size(); ++place) {
        const auto first = world.scenario().writers.size() + world.scenario().collectors.size();
        if (state.actors[first + place].step == reading::damaged) {
            return "a reader takes what is whole for damaged";
        }
    }
    return nullptr;
}

namespace {

/// Whether another collection would find something to remove.
bool copies_to_spare(const World& world, const State& state, ManifestSet seen) {
    View view;
    view.packs = state.packs;
    view.keep = seen;
    view.own = candidates(world, view, {});
    return view.own != 0 && stays(world, view, {}) != state.packs;
}

Fault garbage(const World& world, const State& state, int slot, bool copies_too) {
    const ManifestSet seen = visible(world, state);
    const ChunkSet useful = world.with_bases(world.needs(seen), state.packs);
    const bool list_lost = (world.needs(seen) & world.list_chunks() & world.lost()) != 0;
    for (int pack = 0; pack < world.packs() && !list_lost; ++pack) {
        if (has(state.packs, pack) && (world.holds(pack) & useful) == 0) {
            return "a pack stays that nothing needs";
        }
    }
    if (copies_too && copies_to_spare(world, state, seen)) {
        return "a copy stays that nothing needs";
    }
    if (without(state.markers, CollectionSet{0}) != 0) {
        return "a marker stays";
    }
    if (without(state.manifests, seen) != 0) {
        return "a manifest stays that was removed";
    }
    if (state.writing_runs != 0 || state.collecting_runs != 0) {
        return "signs of life of decided runs stay";
    }
    if (world.has_indexes() && without(state.indexes, bit<IndexSet>(8 + slot)) != 0) {
        return "an index stays that was merged";
    }
    return nullptr;
}

}  // namespace

State quiet(const State& state) {
    State quiet = state;
    quiet.locked = 0;
    quiet.late_retries = 0;
    quiet.fresh_markers = {};
    quiet.fresh_outcomes = {};
    quiet.fresh_runs = {};
    quiet.fresh_manifests = {};
    for (Actor& actor : quiet.actors) {
        actor = Actor{};
    }
    return quiet;
}

Fault quiet_fault(const World& world, State quiet, Steps& scratch) {
    constexpr int kPlace = 0;
    constexpr int kCollections = 3;
    for (int round = 0; round < kCollections; ++round) {
        const int slot = world.scenario().collections + round;
        quiet.actors[kPlace] = Actor{};
        quiet.actors[kPlace].run = static_cast<std::uint8_t>(slot);
        while (lone_collector_step(world, quiet, kPlace, scratch)) {
            if (safety_fault(world, quiet) != nullptr) {
                return "the collection after everything is quiet loses data";
            }
        }
        // Which copies are superfluous may depend on which others have gone already.
        const bool copies_too = world.scenario().strict || round + 1 == kCollections;
        if (const Fault fault = garbage(world, quiet, slot, copies_too)) {
            return fault;
        }
    }
    // The second has taken over all, and the third may delete what was taken over.
    const int last = world.scenario().collections + kCollections - 1;
    const auto two =
        static_cast<CollectionSet>(bit<CollectionSet>(last) | bit<CollectionSet>(last - 1));
    return without(quiet.outcomes, two) != 0 ? "old lists stay for ever" : nullptr;
}

}  // namespace dbbackup::model
