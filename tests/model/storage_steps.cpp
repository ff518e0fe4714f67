/// @file
/// What the storage does by itself, and the list of all that can happen.

#include "model/steps.hpp"

#include <array>
#include <cstddef>

namespace dbbackup::model {
namespace {

void emit(Steps& steps, const State& next, const char* what, int about = -1) {
    steps.push_back({next, what, -1, about});
}

/// A retry of a put whose answer was lost. It comes after anything else, and only where nothing is.
void late_retries(const World& world, const State& state, Steps& steps) {
    if (state.late_retries == 0) {
        return;
    }
    State less = state;
    --less.late_retries;
    for (int pack = 0; pack < world.packs(); ++pack) {
        if (has(without(state.packs_put, state.packs), pack)) {
            State next = less;
            add(next.packs, bit(pack));
            emit(steps, next, "gets a late retry of pack", pack);
        }
    }
    const ManifestSet manifests =
        without(without(state.manifests_put, state.manifests), state.manifest_tombstones);
    for (int manifest = 0; manifest < kManifestsMax; ++manifest) {
        if (has(manifests, manifest)) {
            State next = less;
            add(next.manifests, bit<ManifestSet>(manifest));
            emit(steps, next, "gets a late retry of manifest", manifest);
        }
    }
    const CollectionSet outcomes =
        without(without(state.outcomes_put, state.outcomes), state.collection_tombstones);
    for (int run = 0; run < kCollectionsMax; ++run) {
        if (has(without(state.markers_put, state.markers), run)) {
            State next = less;
            add(next.markers, bit<CollectionSet>(run));
            emit(steps, next, "gets a late retry of marker", run);
        }
        if (has(outcomes, run)) {
            State next = less;
            add(next.outcomes, bit<CollectionSet>(run));
            emit(steps, next, "gets a late retry of the outcome of collection", run);
        }
    }
}

template <class Set>
void age(std::array<Set, 2>& fresh) {
    fresh[1] = fresh[0];
    fresh[0] = 0;
}

void time(const World& world, const State& state, Steps& steps) {
    if (!world.scenario().caches) {
        return;
    }
    State next = state;
    age(next.fresh_markers);
    age(next.fresh_outcomes);
    age(next.fresh_runs);
    age(next.fresh_manifests);
    for (std::size_t actor = 0; actor < next.actors.size(); ++actor) {
        Actor& self = next.actors[actor];
        const bool waits =
            actor >= world.scenario().writers.size() &&
            (self.step == collecting::list_runs || self.step == collecting::markers_again ||
             (self.step >= collecting::remove && self.step <= collecting::unmark));
        if (waits && self.waited < 2 * kCacheTicks) {
            ++self.waited;
        }
    }
    emit(steps, next, "lets time pass");
}

}  // namespace

void storage_steps(const World& world, const State& state, Steps& steps) {
    late_retries(world, state, steps);
    time(world, state, steps);
    if (world.scenario().unreadable) {
        for (int run = 0; run < kCollectionsMax; ++run) {
            if (has(without(state.markers, state.markers_unreadable), run)) {
                State next = state;
                add(next.markers_unreadable, bit<CollectionSet>(run));
                emit(steps, next, "damages the marker of collection", run);
            }
        }
    }
    if (state.locked != 0) {
        State next = state;
        next.locked = 0;
        emit(steps, next, "ends the object lock");
    }
}

void all_steps(const World& world, const State& state, Steps& steps) {
    const auto writers = static_cast<int>(world.scenario().writers.size());
    const int collectors = writers + static_cast<int>(world.scenario().collectors.size());
    const int readers = collectors + static_cast<int>(world.scenario().readers.size());
    for (int actor = 0; actor < readers; ++actor) {
        if (actor < writers &&
            world.scenario().writers[static_cast<std::size_t>(actor)].pins >= 0) {
            pin_steps(world, state, actor, steps);
        } else if (actor < writers) {
            writer_steps(world, state, actor, steps);
        } else if (actor < collectors) {
            collector_steps(world, state, actor, steps);
        } else {
            reader_steps(world, state, actor, steps);
        }
    }
    storage_steps(world, state, steps);
    if (!world.scenario().caches) {
        for (Step& step : steps) {
            step.next.fresh_markers = {};
            step.next.fresh_outcomes = {};
            step.next.fresh_runs = {};
            step.next.fresh_manifests = {};
        }
    }
}

}  // namespace dbbackup::model
