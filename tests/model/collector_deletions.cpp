/// @file
/// Collecting, step 8: what goes, and in which order.

#include "model/collector.hpp"

namespace dbbackup::model {

void CollectorSteps::delete_listed(State& next, const Removed& list) {
    take(next.manifests, list.manifests);
    take(next.packs, without(list.packs, next.locked));
}

void CollectorSteps::remove() {
    State next = state_;
    Actor& self = me(next);
    delete_listed(next, self.list);
    self.step = self.list.indexes != 0 ? collecting::remove_indexes : collecting::clean;
    emit(next, "deletes manifests and packs");
}

void CollectorSteps::remove_indexes() {
    State next = state_;
    Actor& self = me(next);
    take(next.indexes, self.list.indexes);
    self.step = collecting::clean;
    if (!keep(Rule::merged_before_outcome)) {
        self.step = collecting::merge;
    }
    emit(next, "deletes the indexes that were merged");
}

void CollectorSteps::clean() {
    State next = state_;
    Actor& self = me(next);
    clean_others(next);
    clean_lists(next);
    clean_runs(next);
    self.list = Removed{};
    self.seen_lists = 0;
    self.seen_tombstones = 0;
    self.open_collections = 0;
    self.disposable = 0;
    self.step = collecting::unmark;
    emit(next, "cleans up after others");
}

/// What others decided and did not finish. Their lists never change, so it does not matter that
/// they may be finishing, too.
void CollectorSteps::clean_others(State& next) const {
    if (!keep(Rule::finish_others)) {
        return;
    }
    const Actor& self = me(state_);
    for (int other = 0; other < kCollectionsMax; ++other) {
        const auto one = bit<CollectionSet>(other);
        if (other == run() || (self.seen_tombstones & one) == 0) {
            continue;
        }
        if ((state_.outcomes & one) != 0) {
            const Removed& list = state_.lists[static_cast<std::size_t>(other)];
            delete_listed(next, list);
            take(next.indexes, list.indexes);
        }
        take(next.markers, one);
        take(next.markers_unreadable, one);
    }
}

void CollectorSteps::clean_lists(State& next) const {
    const Actor& self = me(state_);
    if (!keep(Rule::tombstones_stay)) {
        next.manifest_tombstones = 0;
        next.collection_tombstones = 0;
    }
    CollectionSet may_go = self.disposable;
    if (!keep(Rule::lists_wait_for_writers)) {
        // What this very outcome has taken over.
        may_go = state_.lists[static_cast<std::size_t>(run())].taken;
    }
    CollectionSet decided = state_.outcomes;
    add(decided, state_.collection_tombstones);
    add(decided, all_listed(state_, state_.outcomes).taken);
    const bool open = !within(self.open_collections, decided);
    if (open && keep(Rule::lists_wait_for_collections)) {
        return;
    }
    take(next.outcomes, without(may_go, own_run()));
}

void CollectorSteps::clean_runs(State& next) const {
    const Removed listed = all_listed(state_, state_.outcomes);
    ManifestSet writers = state_.manifests;
    add(writers, state_.manifest_tombstones);
    add(writers, listed.manifests);
    if (!keep(Rule::runs_stay_until_decided)) {
        writers = 0xff;
    }
    take(next.writing_runs, writers);
    CollectionSet collections = state_.outcomes;
    add(collections, state_.collection_tombstones);
    add(collections, listed.taken);
    take(next.collecting_runs, without(collections, own_run()));
}

void CollectorSteps::unmark() {
    const int ticks = keep(Rule::wait_before_marker_goes) ? kCacheTicks : 0;
    if (!waited(me(state_), ticks)) {
        return;
    }
    State next = state_;
    take(next.markers, own_run());
    take(next.collecting_runs, own_run());
    if (!keep(Rule::removed_lists_stay)) {
        // All that it names is gone, so it may seem of no use any more.
        take(next.outcomes, own_run());
    }
    end(next);
    emit(next, "deletes its marker");
}

bool lone_collector_step(const World& world, State& state, int actor, Steps& steps) {
    Collector collector;
    collector.run = state.actors[static_cast<std::size_t>(actor)].run;
    steps.clear();
    CollectorSteps(world, collector, state, actor, true, steps).add_all();
    if (steps.empty()) {
        return false;
    }
    const State next = steps.front().next;
    state = next;
    return true;
}

void collector_steps(const World& world, const State& state, int actor, Steps& steps) {
    const auto place = static_cast<std::size_t>(actor) - world.scenario().writers.size();
    CollectorSteps(world, world.scenario().collectors[place], state, actor, false, steps).add_all();
}

}  // namespace dbbackup::model
