/// @file
/// Collecting, step 6 (the second reading) and step 7 (the outcome).

#include "model/collector.hpp"

namespace dbbackup::model {

void CollectorSteps::read_indexes() {
    State next = state_;
    Actor& self = me(next);
    self.indexes = state_.indexes;
    self.step = collecting::packs_again;
    if (!keep(Rule::indexes_before_packs)) {
        // It has listed packs already.
        self.step = collecting::manifests_again;
    }
    emit(next, "lists indexes/");
}

void CollectorSteps::read_packs() {
    State next = state_;
    Actor& self = me(next);
    self.packs = state_.packs;
    self.step = collecting::manifests_again;
    if (world_.scenario().brief && !alone_) {
        self.seen_manifests = state_.manifests;
        return choose_from(next);
    }
    if (world_.has_indexes() && !keep(Rule::indexes_before_packs)) {
        self.step = collecting::indexes_again;
    }
    emit(next, "lists packs/");
}

void CollectorSteps::choose() {
    if (!keep(Rule::second_reading) || !keep(Rule::second_manifest_reading)) {
        return emit_choice(state_, preference());
    }
    each_view(state_.manifests, state_.fresh_manifests, [this](ManifestSet seen, State& next) {
        me(next).seen_manifests = seen;
        choose_from(next);
    });
}

void CollectorSteps::choose_from(State& next) {
    if (!collector_.any_choice) {
        return emit_choice(next, preference());
    }
    const PackSet own = view(me(next)).own;
    for (int pack = 0; pack < world_.packs(); ++pack) {
        if (has(own, pack)) {
            Preference preference;
            preference.first = pack;
            emit_choice(next, preference);
        }
    }
    Preference last;
    last.descending = true;
    emit_choice(next, last);
    emit_choice(next, preference());
}

void CollectorSteps::emit_choice(const State& from, Preference preference) {
    State next = from;
    Actor& self = me(next);
    const View view = this->view(self);
    const PackSet stay = stays(world_, view, preference);
    const Removed listed = all_listed(state_, self.seen_lists);
    Removed list;
    list.packs = without(static_cast<PackSet>(view.own & view.packs), stay);
    add(list.packs, listed.packs);
    list.manifests = listed.manifests;
    add(list.manifests, static_cast<ManifestSet>(state_.manifests & expired(self)));
    list.taken = static_cast<CollectionSet>(self.seen_lists | listed.taken);
    PackSet merged = without(view.packs, list.packs);
    if (!keep(Rule::merge_condemned)) {
        take(merged, view.others);
    }
    if (world_.has_indexes()) {
        list.indexes = self.indexes;
        self.merged = merged;
    }
    const CollectionSet decided_seen = decided(self);
    self.list = list;
    self.packs = 0;
    self.indexes = 0;
    self.seen_manifests = 0;
    self.seen_markers = 0;
    self.seen_tombstones = decided_seen;  // From here on: whose markers may go.
    self.step = world_.has_indexes() ? collecting::merge : collecting::commit;
    if (!keep(Rule::merged_before_outcome)) {
        self.step = collecting::commit;
    }
    if (!keep(Rule::outcome_before_deleting)) {
        delete_listed(next, list);
    }
    if (!keep(Rule::marker_last)) {
        take(next.markers, own_run());
    }
    emit(next, "lists manifests/ and chooses what goes");
}

void CollectorSteps::merge() {
    State next = state_;
    Actor& self = me(next);
    const int place = 8 + run();
    next.index_covers[static_cast<std::size_t>(place)] = self.merged;
    add(next.indexes, bit<IndexSet>(place));
    add(next.packs_indexed, self.merged);
    self.merged = 0;
    self.step = keep(Rule::merged_before_outcome) ? collecting::commit : collecting::clean;
    emit(next, "puts the merged index");
}

void CollectorSteps::commit() {
    State next = state_;
    Actor& self = me(next);
    const auto place = static_cast<std::size_t>(run());
    const bool given_up = (state_.collection_tombstones & own_run()) != 0;
    const bool another = (state_.outcomes & own_run()) != 0;
    if (given_up && keep(Rule::outcome_create_if_absent)) {
        end(next);
        return emit(next, "finds its tombstone, and stops");
    }
    self.step = collecting::remove;
    self.waited = 0;
    if (another) {
        // Two processes act for one run.
        if (keep(Rule::obey_stored_outcome)) {
            self.list = state_.lists[place];
        }
        return emit(next, "finds its outcome put by another process");
    }
    take(next.collection_tombstones, own_run());
    next.lists[place] = self.list;
    add(next.outcomes, own_run());
    add(next.outcomes_put, own_run());
    add(next.fresh_outcomes[0], own_run());
    emit(next, "puts its outcome");
}

}  // namespace dbbackup::model
