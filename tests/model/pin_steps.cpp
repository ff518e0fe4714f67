/// @file
/// Pinning a snapshot, step by step as in docs/protocol.md. A pin is a writer without chunks: its
/// manifest stands for the pin.

#include "model/steps.hpp"

#include <cstddef>

namespace dbbackup::model {
namespace {

class PinSteps {
public:
    PinSteps(const World& world, const State& state, int actor, Steps& steps)
        : world_(world),
          writer_(world.scenario().writers[static_cast<std::size_t>(actor)]),
          state_(state),
          actor_(actor),
          steps_(steps) {}

    void add_all() {
        switch (me(state_).step) {
            case writing::announce: return announce();
            case writing::markers: return read_markers();
            case writing::lists: return read_lists();
            case writing::commit: return commit();
            default: return;
        }
    }

private:
    [[nodiscard]] Actor& me(State& state) const {
        return state.actors[static_cast<std::size_t>(actor_)];
    }
    [[nodiscard]] const Actor& me(const State& state) const {
        return state.actors[static_cast<std::size_t>(actor_)];
    }
    [[nodiscard]] int run() const { return writer_.runs[me(state_).attempt]; }
    [[nodiscard]] bool keep(Rule rule) const { return world_.rules().keep(rule); }
    void emit(const State& next, const char* what) { steps_.push_back({next, what, actor_}); }

    void begin_run(State& next) const {
        add(next.writing_runs, bit<ManifestSet>(run()));
        add(next.fresh_runs[0], bit<ManifestSet>(run()));
    }

    void announce() {
        State next = state_;
        if (keep(Rule::begin_before_reading)) {
            begin_run(next);
        }
        me(next).step = writing::markers;
        emit(next, "puts runs/0 of its pin");
    }

    /// Calls `take_view` with each set that a listing may show.
    template <class Take>
    void each_view(CollectionSet present, const std::array<CollectionSet, 2>& fresh,
                   Take take_view) {
        CollectionSet hidden_max = 0;
        if (world_.scenario().caches) {
            hidden_max = static_cast<CollectionSet>(present & (fresh[0] | fresh[1]));
        }
        for (unsigned hidden = hidden_max;; hidden = (hidden - 1U) & hidden_max) {
            take_view(without(present, static_cast<CollectionSet>(hidden)));
            if (hidden == 0) {
                return;
            }
        }
    }

    void read_markers() {
        each_view(state_.markers, state_.fresh_markers, [this](CollectionSet seen) {
            State next = state_;
            me(next).seen_markers = seen;
            me(next).step = writing::lists;
            emit(next, "reads condemned/");
        });
    }

    void read_lists() {
        each_view(state_.outcomes, state_.fresh_outcomes, [this](CollectionSet seen) {
            State next = state_;
            Actor& self = me(next);
            const Removed listed = all_listed(state_, seen);
            CollectionSet decided = seen;
            add(decided, state_.collection_tombstones);
            add(decided, listed.taken);
            const bool waits = without(self.seen_markers, decided) != 0;
            self.seen_markers = 0;
            if (keep(Rule::pin_checks_removed) && has(listed.manifests, writer_.pins)) {
                self = Actor{};
                self.step = writing::ended;
                return emit(next, "finds its snapshot removed");
            }
            if (keep(Rule::pin_waits_for_collections) && waits) {
                self.step = writing::markers;
                return emit(next, "waits for a collection");
            }
            if (!keep(Rule::begin_before_reading)) {
                begin_run(next);
            }
            self.step = writing::commit;
            emit(next, "reads collections/");
        });
    }

    void commit() {
        State next = state_;
        Actor& self = me(next);
        const auto mine = bit<ManifestSet>(run());
        const std::size_t attempt = self.attempt + 1U;
        self = Actor{};
        if ((state_.manifest_tombstones & mine) != 0 && keep(Rule::manifest_create_if_absent)) {
            self.step = writing::ended;
            if (attempt < writer_.runs.size()) {
                self.attempt = static_cast<std::uint8_t>(attempt);
                self.step = writing::announce;
            }
            return emit(next, "finds its tombstone");
        }
        take(next.manifest_tombstones, mine);
        add(next.manifests, mine);
        add(next.manifests_put, mine);
        add(next.fresh_manifests[0], mine);
        self.step = writing::ended;
        emit(next, "puts its pin");
    }

    const World& world_;
    const Writer& writer_;
    const State& state_;
    int actor_;
    Steps& steps_;
};

}  // namespace

void pin_steps(const World& world, const State& state, int actor, Steps& steps) {
    PinSteps(world, state, actor, steps).add_all();
}

}  // namespace dbbackup::model
