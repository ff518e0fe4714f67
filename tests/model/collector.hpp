#pragma once

/// @file
/// One collector at one moment: what it can do next.

#include "model/choice.hpp"
#include "model/steps.hpp"

#include <array>
#include <cstddef>

namespace dbbackup::model {

/// Appends what a collector can do next. Lives for one state.
class CollectorSteps {
public:
    /// @param alone Nobody else acts any more, and all others count as dead.
    CollectorSteps(const World& world, const Collector& collector, const State& state, int actor,
                   bool alone, Steps& steps)
        : world_(world),
          collector_(collector),
          state_(state),
          actor_(actor),
          alone_(alone),
          steps_(steps) {}

    void add_all();

private:
    // Steps 1 to 3
    void begin();
    void begin_briefly(State& next);
    void read_markers(collecting::Point then);
    void read_lists(collecting::Point then);
    void choose_candidates();
    void emit_candidates(State& next);
    void compact();
    void condemn();
    // Steps 4 and 5
    void list_runs();
    void wait_for_writers();
    void give_up_others();
    // Step 6
    void read_indexes();
    void read_packs();
    void choose();
    void choose_from(State& next);
    void emit_choice(const State& from, Preference preference);
    // Step 7
    void merge();
    void commit();
    // Step 8
    void remove();
    void remove_indexes();
    void clean();
    void clean_others(State& next) const;
    void clean_lists(State& next) const;
    void clean_runs(State& next) const;
    void unmark();

    void end(State& next) const;
    [[nodiscard]] CollectionSet decided(const Actor& self) const;
    [[nodiscard]] CollectionSet open_collections() const;
    [[nodiscard]] View view(const Actor& self) const;
    /// What its retention removes, by the pins that it has seen.
    [[nodiscard]] ManifestSet expired(const Actor& self) const;
    [[nodiscard]] Preference preference() const;
    [[nodiscard]] bool waited(const Actor& self, int ticks) const;
    [[nodiscard]] collecting::Point first_reading(collecting::Point markers,
                                                  collecting::Point lists) const;
    static void delete_listed(State& next, const Removed& list);

    [[nodiscard]] Actor& me(State& state) const {
        return state.actors[static_cast<std::size_t>(actor_)];
    }
    [[nodiscard]] const Actor& me(const State& state) const {
        return state.actors[static_cast<std::size_t>(actor_)];
    }
    [[nodiscard]] int run() const { return collector_.run; }
    [[nodiscard]] CollectionSet own_run() const { return bit<CollectionSet>(collector_.run); }
    [[nodiscard]] bool keep(Rule rule) const { return world_.rules().keep(rule); }
    void emit(const State& next, const char* what, int about = -1) {
        steps_.push_back({next, what, actor_, about});
    }

    /// Whether a listing is at its end; else it is moved to the next page.
    [[nodiscard]] bool page_done(State& next) const {
        Actor& self = me(next);
        if (!world_.scenario().by_page || alone_) {
            return true;
        }
        ++self.page;
        if (self.page < world_.scenario().collections) {
            return false;
        }
        self.page = 0;
        return true;
    }

    /// Calls `take_view` with each set that a listing may show, or with one page of it.
    template <class Set, class Take>
    void each_view(Set present, const std::array<Set, 2>& fresh, Take take_view) {
        if (world_.scenario().by_page && !alone_) {
            present = static_cast<Set>(present & bit<Set>(me(state_).page));
        }
        Set hidden_max = 0;
        if (world_.scenario().caches && !alone_) {
            hidden_max = static_cast<Set>(present & (fresh[0] | fresh[1]));
        }
        for (unsigned hidden = hidden_max;; hidden = (hidden - 1U) & hidden_max) {
            State next = state_;
            take_view(without(present, static_cast<Set>(hidden)), next);
            if (hidden == 0) {
                return;
            }
        }
    }

    const World& world_;
    const Collector& collector_;
    const State& state_;
    int actor_;
    bool alone_;
    Steps& steps_;
};

}  // namespace dbbackup::model
