/// @file
/// Writing a snapshot, step by step as in docs/protocol.md.

#include "model/steps.hpp"

#include <cstddef>

namespace dbbackup::model {
namespace {

constexpr PackSet kEverything = 0xffff;

class WriterSteps {
public:
    WriterSteps(const World& world, const State& state, int actor, Steps& steps)
        : world_(world),
          writer_(world.scenario().writers[static_cast<std::size_t>(actor)]),
          state_(state),
          actor_(actor),
          steps_(steps) {}

    void add_all() {
        const Actor& self = me(state_);
        switch (self.step) {
            case writing::announce: return announce();
            case writing::markers: return read_markers();
            case writing::lists: return read_lists();
            case writing::packs: return put_packs();
            case writing::index: return put_index();
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
    void emit(const State& next, const char* what, int about = -1) {
        steps_.push_back({next, what, actor_, about});
    }

    void announce() {
        State next = state_;
        // Without the rule the run announces itself only when it begins to store.
        if (keep(Rule::begin_before_reading)) {
            add(next.writing_runs, bit<ManifestSet>(run()));
            add(next.fresh_runs[0], bit<ManifestSet>(run()));
        }
        me(next).step = first_reading();
        emit(next, "puts runs/0");
    }

    [[nodiscard]] writing::Point first_reading() const {
        return keep(Rule::writer_condemned_first) ? writing::markers : writing::lists;
    }

    void read_markers() {
        CollectionSet fresh = state_.fresh_markers[0];
        add(fresh, state_.fresh_markers[1]);
        if (!world_.scenario().caches) {
            fresh = 0;
        }
        each_view(state_.markers, fresh, [this](CollectionSet seen, State& next) {
            PackSet& blocked = me(next).blocked;
            const bool unreadable = (seen & state_.markers_unreadable) != 0;
            if (keep(Rule::marker_check)) {
                add(blocked, all_marked(state_, without(seen, state_.markers_unreadable)));
            }
            if (unreadable && keep(Rule::writer_heeds_unreadable)) {
                blocked = kEverything;
            }
            if (page_done(next)) {
                keep(Rule::writer_condemned_first) ? go(next, writing::lists) : plan(next);
            }
            emit(next, "reads condemned/");
        });
    }

    void read_lists() {
        CollectionSet fresh = state_.fresh_outcomes[0];
        add(fresh, state_.fresh_outcomes[1]);
        if (!world_.scenario().caches) {
            fresh = 0;
        }
        each_view(state_.outcomes, fresh, [this](CollectionSet seen, State& next) {
            if (keep(Rule::removed_check)) {
                add(me(next).blocked, all_listed(state_, seen).packs);
            }
            if (page_done(next)) {
                keep(Rule::writer_condemned_first) ? plan(next) : go(next, writing::markers);
            }
            emit(next, "reads collections/");
        });
    }

    void go(State& next, writing::Point point) const {
        me(next).step = point;
        me(next).page = 0;
    }

    /// Whether a listing is at its end; else it is moved to the next page.
    [[nodiscard]] bool page_done(State& next) const {
        if (!world_.scenario().by_page) {
            return true;
        }
        Actor& self = me(next);
        ++self.page;
        return self.page >= world_.scenario().collections;
    }

    /// Calls `take` with each set that a listing may show, or one page of it.
    template <class Take>
    void each_view(CollectionSet present, CollectionSet fresh, Take take_view) {
        if (world_.scenario().by_page) {
            present &= bit<CollectionSet>(me(state_).page);
        }
        const auto hidden_max = static_cast<CollectionSet>(present & fresh);
        for (unsigned hidden = hidden_max;; hidden = (hidden - 1U) & hidden_max) {
            State next = state_;
            take_view(without(present, static_cast<CollectionSet>(hidden)), next);
            if (hidden == 0) {
                return;
            }
        }
    }

    /// Chooses what is reused. Everything that was ever put counts as known, from whatever cache.
    void plan(State& next) const {
        Actor& self = me(next);
        const PackSet allowed = without(state_.packs_put, self.blocked);
        ChunkSet reused = writer_.reuses ? world_.decodable(allowed) : ChunkSet{0};
        if (writer_.reuses && !keep(Rule::closure)) {
            for (int pack = 0; pack < world_.packs(); ++pack) {
                if (has(allowed, pack)) {
                    add(reused, world_.holds(pack));
                }
            }
        }
        if (!keep(Rule::list_contents)) {
            add(reused, world_.listed_by(static_cast<ChunkSet>(reused & world_.list_chunks())));
        }
        PackSet to_put = 0;
        const ChunkSet missing = without(writer_.needs, reused);
        for (int chunk = 0; chunk < kChunksMax; ++chunk) {
            if (has(missing, chunk)) {
                add(to_put, bit(pack_for(chunk, reused)));
            }
        }
        self.packs = to_put;
        self.page = 0;
        self.blocked = 0;
        if (!keep(Rule::begin_before_reading)) {
            add(next.writing_runs, bit<ManifestSet>(run()));
        }
        self.step = to_put != 0 ? writing::packs : after_packs();
    }

    [[nodiscard]] int pack_for(int chunk, ChunkSet reused) const {
        const auto place = static_cast<std::size_t>(chunk);
        const std::size_t attempt = me(state_).attempt;
        if (!writer_.delta.empty()) {
            const int delta = writer_.delta[attempt][place];
            if (delta >= 0) {
                const Copy& copy = world_.scenario().packs[static_cast<std::size_t>(delta)][0];
                // Based on what this run may reuse; what it stores itself is stored whole first.
                if (has(reused, copy.base)) {
                    return delta;
                }
            }
        }
        return writer_.whole[attempt][place];
    }

    [[nodiscard]] writing::Point after_packs() const {
        return writer_.puts_index ? writing::index : writing::commit;
    }

    void put_packs() {
        State next = state_;
        Actor& self = me(next);
        int pack = 0;
        while (!has(self.packs, pack)) {
            ++pack;
        }
        add(next.packs, bit(pack));
        add(next.packs_put, bit(pack));
        take(self.packs, bit(pack));
        if (writer_.puts_index) {
            add(self.merged, bit(pack));
        }
        if (self.packs == 0) {
            self.step = after_packs();
        }
        emit(next, "puts pack", pack);
    }

    void put_index() {
        State next = state_;
        Actor& self = me(next);
        const auto place = static_cast<std::size_t>(run());
        if (self.merged != 0) {
            next.index_covers[place] = self.merged;
            add(next.indexes, bit<IndexSet>(run()));
            add(next.packs_indexed, self.merged);
            self.merged = 0;
        }
        self.step = writing::commit;
        emit(next, "puts its index");
    }

    void commit() {
        State next = state_;
        Actor& self = me(next);
        const auto mine = bit<ManifestSet>(run());
        const bool given_up = (state_.manifest_tombstones & mine) != 0;
        if (given_up && keep(Rule::manifest_create_if_absent)) {
            const std::size_t attempt = self.attempt + 1U;
            self = Actor{};
            self.step = writing::ended;
            if (attempt < writer_.runs.size()) {
                start_over(next, attempt);
            }
            return emit(next, "finds its tombstone");
        }
        take(next.manifest_tombstones, mine);
        add(next.manifests, mine);
        add(next.manifests_put, mine);
        add(next.fresh_manifests[0], mine);
        self = Actor{};
        self.step = writing::ended;
        emit(next, "puts its manifest");
    }

    void start_over(State& next, std::size_t attempt) const {
        Actor& self = me(next);
        self.attempt = static_cast<std::uint8_t>(attempt);
        self.step = writing::announce;
        if (!keep(Rule::restart_reads_again)) {
            // What was reused and stored under the old id counts as good under the new one.
            add(next.writing_runs, bit<ManifestSet>(writer_.runs[attempt]));
            self.step = writing::commit;
        }
    }

    const World& world_;
    const Writer& writer_;
    const State& state_;
    int actor_;
    Steps& steps_;
};

}  // namespace

void writer_steps(const World& world, const State& state, int actor, Steps& steps) {
    WriterSteps(world, state, actor, steps).add_all();
}

}  // namespace dbbackup::model
