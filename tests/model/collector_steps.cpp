/// @file
/// Collecting, steps 1 to 7 of docs/protocol.md. What comes after the outcome is in
/// collector_deletions.cpp.

#include "model/collector.hpp"

namespace dbbackup::model {

void CollectorSteps::add_all() {
    switch (me(state_).step) {
        case collecting::announce: return begin();
        case collecting::markers_first: return read_markers(collecting::lists_first);
        case collecting::lists_first: return read_lists(collecting::packs_first);
        case collecting::packs_first: return choose_candidates();
        case collecting::compact: return compact();
        case collecting::condemn: return condemn();
        case collecting::list_runs: return list_runs();
        case collecting::wait: return wait_for_writers();
        case collecting::markers_again: return read_markers(collecting::lists_again);
        case collecting::lists_again: return read_lists(collecting::indexes_again);
        case collecting::indexes_again: return read_indexes();
        case collecting::packs_again: return read_packs();
        case collecting::manifests_again: return choose();
        case collecting::merge: return merge();
        case collecting::commit: return commit();
        case collecting::remove: return remove();
        case collecting::remove_indexes: return remove_indexes();
        case collecting::clean: return clean();
        case collecting::unmark: return unmark();
        default: return;
    }
}

void CollectorSteps::end(State& next) const {
    Actor& self = me(next);
    const std::uint8_t run = self.run;
    self = Actor{};
    self.run = run;
    self.step = collecting::ended;
}

void CollectorSteps::begin() {
    State next = state_;
    Actor& self = me(next);
    self.run = static_cast<std::uint8_t>(run());
    if (collector_.resumes) {
        if (!has(state_.open_stored, run()) || keep(Rule::one_process_per_outcome)) {
            return;
        }
        self.open_writers = state_.open_writers[static_cast<std::size_t>(run())];
        self.step = collecting::wait;
        return emit(next, "goes on from the stored open list");
    }
    add(next.collecting_runs, own_run());
    self.step = first_reading(collecting::markers_first, collecting::lists_first);
    if (world_.scenario().brief && !alone_) {
        return begin_briefly(next);
    }
    emit(next, "puts runs/0");
}

void CollectorSteps::begin_briefly(State& next) {
    // They are alike, so only one order of beginning needs to be looked at.
    const int before = actor_ - 1;
    if (before >= 0 && !world_.scenario().any_order &&
        state_.actors[static_cast<std::size_t>(before)].step == collecting::announce) {
        return;
    }
    Actor& self = me(next);
    add(next.open_stored, own_run());
    self.disposable = all_listed(state_, state_.outcomes).taken;
    self.open_collections = open_collections();
    self.step = first_reading(collecting::markers_again, collecting::lists_again);
    if (!keep(Rule::second_reading) || !keep(Rule::second_marker_reading)) {
        self.seen_markers = state_.markers;
        self.seen_lists = state_.outcomes;
        self.seen_tombstones = state_.collection_tombstones;
        self.step = collecting::packs_again;
    }
    const PackSet nameable = static_cast<PackSet>(state_.packs & collector_.may_name);
    for (unsigned chosen = nameable; chosen != 0; chosen = (chosen - 1U) & nameable) {
        State begun = next;
        begun.marker_packs[static_cast<std::size_t>(run())] = static_cast<PackSet>(chosen);
        add(begun.markers, own_run());
        add(begun.markers_put, own_run());
        emit(begun, "begins, and puts its marker");
    }
}

collecting::Point CollectorSteps::first_reading(collecting::Point markers,
                                                collecting::Point lists) const {
    return keep(Rule::collector_condemned_first) ? markers : lists;
}

void CollectorSteps::read_markers(collecting::Point then) {
    const bool again = then == collecting::lists_again;
    if (again && !waited(me(state_), keep(Rule::wait_before_reading) ? kCacheTicks : 0)) {
        return;
    }
    each_view(state_.markers, state_.fresh_markers, [&](CollectionSet seen, State& next) {
        Actor& self = me(next);
        if ((without(seen, own_run()) & state_.markers_unreadable) != 0 &&
            keep(Rule::collector_heeds_unreadable)) {
            end(next);
            return emit(next, "finds a marker that it cannot read, and stops");
        }
        add(self.seen_markers, without(seen, state_.markers_unreadable));
        if (page_done(next)) {
            const collecting::Point after =
                again ? collecting::packs_again : collecting::packs_first;
            self.step = keep(Rule::collector_condemned_first) ? then : after;
        }
        emit(next, "reads condemned/");
    });
}

void CollectorSteps::read_lists(collecting::Point then) {
    const bool again = then == collecting::indexes_again;
    each_view(state_.outcomes, state_.fresh_outcomes, [&](CollectionSet seen, State& next) {
        Actor& self = me(next);
        add(self.seen_lists, seen);
        // Tombstones are read with the lists; to see one late only makes a collection careful.
        self.seen_tombstones = state_.collection_tombstones;
        if (page_done(next)) {
            const collecting::Point before =
                again ? collecting::markers_again : collecting::markers_first;
            self.step = keep(Rule::collector_condemned_first) ? then : before;
            const bool later = !world_.has_indexes() || !keep(Rule::indexes_before_packs);
            if (self.step == collecting::indexes_again && later) {
                self.step = collecting::packs_again;
            }
        }
        emit(next, "reads collections/");
    });
}

CollectionSet CollectorSteps::decided(const Actor& self) const {
    CollectionSet decided = self.seen_lists;
    add(decided, self.seen_tombstones);
    add(decided, all_listed(state_, self.seen_lists).taken);
    return decided;
}

View CollectorSteps::view(const Actor& self) const {
    CollectionSet others = without(self.seen_markers, own_run());
    if (keep(Rule::decided_markers_void)) {
        take(others, decided(self));
    }
    const Removed listed = all_listed(state_, self.seen_lists);
    View view;
    view.packs = self.packs;
    view.listed = listed.packs;
    view.others = all_marked(state_, others);
    view.own = state_.marker_packs[static_cast<std::size_t>(run())];
    ManifestSet seen = self.seen_manifests;
    if (keep(Rule::removed_manifests_stay)) {
        take(seen, listed.manifests);
    }
    view.keep = without(seen, expired(self));
    return view;
}

ManifestSet CollectorSteps::expired(const Actor& self) const {
    const ManifestSet pinned = world_.pinned_by(self.seen_manifests);
    return keep(Rule::pins_stay) ? without(collector_.expires, pinned) : collector_.expires;
}

Preference CollectorSteps::preference() const {
    Preference preference;
    preference.by_chunk = collector_.by_chunk;
    return preference;
}

void CollectorSteps::choose_candidates() {
    State next = state_;
    Actor& self = me(next);
    self.packs = state_.packs;
    self.seen_manifests = state_.manifests;
    // What was taken over before step 5 began.
    self.disposable = all_listed(state_, self.seen_lists).taken;
    View view = this->view(self);
    view.own = 0;
    Preference first = preference();
    const int chunk = collector_.compacts;
    const bool worth = chunk >= 0 && has(world_.needs(view.keep), chunk) &&
                       has(world_.decodable(without(view.packs, view.listed)), chunk);
    if (worth) {
        // It is sealed anew after this, and then the old copies are the ones to go.
        add(view.packs, bit(collector_.into));
        first.first = collector_.into;
    }
    self.merged = candidates(world_, view, first);
    take(self.merged, static_cast<PackSet>(worth ? bit(collector_.into) : PackSet{0}));
    self.step = worth ? collecting::compact : collecting::condemn;
    if (!keep(Rule::marker_before_runs)) {
        self.step = collecting::list_runs;
    }
    if (keep(Rule::second_reading) && keep(Rule::second_manifest_reading)) {
        self.packs = 0;
        self.seen_manifests = 0;
    }
    if (keep(Rule::second_reading) && keep(Rule::second_marker_reading)) {
        self.seen_markers = 0;
        self.seen_lists = 0;
        self.seen_tombstones = 0;
    }
    emit_candidates(next);
}

void CollectorSteps::emit_candidates(State& next) {
    constexpr auto kWhat = "lists packs/ and manifests/";
    if (!collector_.any_candidates) {
        return emit(next, kWhat);
    }
    // Whatever it may have in mind, such as packs that are mostly dead.
    for (unsigned chosen = state_.packs;; chosen = (chosen - 1U) & state_.packs) {
        me(next).merged = static_cast<PackSet>(chosen);
        emit(next, kWhat);
        if (chosen == 0) {
            return;
        }
    }
}

void CollectorSteps::compact() {
    State next = state_;
    Actor& self = me(next);
    add(next.packs, bit(collector_.into));
    add(next.packs_put, bit(collector_.into));
    if (self.packs != 0) {
        add(self.packs, bit(collector_.into));
    }
    self.step = collecting::condemn;
    emit(next, "seals anew pack", collector_.into);
}

void CollectorSteps::condemn() {
    State next = state_;
    Actor& self = me(next);
    next.marker_packs[static_cast<std::size_t>(run())] = self.merged;
    self.merged = 0;
    add(next.markers, own_run());
    add(next.markers_put, own_run());
    add(next.fresh_markers[0], own_run());
    self.waited = 0;
    self.step = keep(Rule::marker_before_runs) ? collecting::list_runs : collecting::wait;
    emit(next, "puts its marker");
}

CollectionSet CollectorSteps::open_collections() const {
    CollectionSet decided = state_.outcomes;
    add(decided, state_.collection_tombstones);
    add(decided, all_listed(state_, state_.outcomes).taken);
    return without(without(state_.collecting_runs, decided), own_run());
}

bool CollectorSteps::waited(const Actor& self, int ticks) const {
    return alone_ || !world_.scenario().caches || self.waited >= ticks;
}

void CollectorSteps::list_runs() {
    int ticks = keep(Rule::wait_before_runs_whole) ? 2 * kCacheTicks : kCacheTicks;
    if (!keep(Rule::wait_before_runs)) {
        ticks = 0;
    }
    if (!waited(me(state_), ticks)) {
        return;
    }
    const ManifestSet removed = all_listed(state_, state_.outcomes).manifests;
    ManifestSet decided_writers = state_.manifests;
    add(decided_writers, state_.manifest_tombstones);
    add(decided_writers, removed);
    const ManifestSet open = without(state_.writing_runs, decided_writers);
    const CollectionSet collections = open_collections();
    ManifestSet hidden_max = state_.fresh_runs[0];
    add(hidden_max, state_.fresh_runs[1]);
    hidden_max =
        world_.scenario().caches ? static_cast<ManifestSet>(hidden_max & open) : ManifestSet{0};
    for (unsigned hidden = hidden_max;; hidden = (hidden - 1U) & hidden_max) {
        State next = state_;
        Actor& self = me(next);
        self.open_writers = without(open, static_cast<ManifestSet>(hidden));
        self.open_collections = collections;
        add(next.open_stored, own_run());
        next.open_writers[static_cast<std::size_t>(run())] = self.open_writers;
        self.waited = 0;
        self.step = keep(Rule::marker_before_runs) ? collecting::wait : collecting::condemn;
        emit(next, "lists runs/");
        if (hidden == 0) {
            break;
        }
    }
}

void CollectorSteps::give_up_others() {
    const Actor& self = me(state_);
    for (int writer = 0; writer < kManifestsMax; ++writer) {
        const auto one = bit<ManifestSet>(writer);
        ManifestSet outcome = state_.manifests;
        add(outcome, state_.manifest_tombstones);
        const bool may = world_.scenario().gives_up || alone_;
        if (may && has(self.open_writers, writer) && (outcome & one) == 0) {
            State next = state_;
            add(next.manifest_tombstones, one);
            emit(next, "gives up writer", writer);
        }
    }
    for (int other = 0; other < kCollectionsMax; ++other) {
        const auto one = bit<CollectionSet>(other);
        CollectionSet outcome = state_.outcomes;
        add(outcome, state_.collection_tombstones);
        const bool may = world_.scenario().deaths || alone_;
        if (may && keep(Rule::give_up_collectors) && has(self.open_collections, other) &&
            (outcome & one) == 0) {
            State next = state_;
            add(next.collection_tombstones, one);
            emit(next, "gives up collection", other);
        }
    }
}

void CollectorSteps::wait_for_writers() {
    give_up_others();
    if (alone_ && !steps_.empty()) {
        return;  // The dead are given up before it goes on.
    }
    const Actor& self = me(state_);
    // A manifest that was removed since was seen on a list by whoever wrote that list.
    ManifestSet outcome = state_.manifests;
    add(outcome, state_.manifest_tombstones);
    add(outcome, all_listed(state_, state_.outcomes).manifests);
    const bool due = within(self.open_writers, outcome) || !keep(Rule::wait_for_writers);
    const bool again = keep(Rule::second_reading);
    if (!due) {
        return;
    }
    State next = state_;
    Actor& mine = me(next);
    mine.open_writers = 0;
    mine.waited = 0;
    if (!again) {
        mine.step = collecting::manifests_again;
    } else if (keep(Rule::second_marker_reading)) {
        mine.step = first_reading(collecting::markers_again, collecting::lists_again);
    } else {
        mine.step = collecting::packs_again;
    }
    emit(next, "sees that all open writers are decided");
}

}  // namespace dbbackup::model
