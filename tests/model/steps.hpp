#pragma once

/// @file
/// What can happen next in a state: one function per kind of actor, and one for the storage.

#include "model/scenario.hpp"

namespace dbbackup::model {

/// Where a writer stands (Actor::step).
namespace writing {
enum Point : std::uint8_t { announce, markers, lists, packs, index, commit, ended };
}

/// Where a collector stands, numbered by the protocol's steps.
namespace collecting {
enum Point : std::uint8_t {
    announce,         // 1
    markers_first,    // 2
    lists_first,      // 2
    packs_first,      // 2
    compact,          // 2
    condemn,          // 3
    list_runs,        // 4, 5
    wait,             // 5
    markers_again,    // 6
    lists_again,      // 6
    indexes_again,    // 6
    packs_again,      // 6
    manifests_again,  // 6
    merge,            // 7
    commit,           // 7
    remove,           // 8: manifests and packs
    remove_indexes,   // 8
    clean,            // 8: what others left
    unmark,           // 8
    ended
};
}

/// Where a reader stands.
namespace reading {
enum Point : std::uint8_t { read, lists, indexes, restored, refused, damaged };
}

/// Each appends to `steps` what process `actor` can do next.
void writer_steps(const World& world, const State& state, int actor, Steps& steps);
/// The same for one that pins.
void pin_steps(const World& world, const State& state, int actor, Steps& steps);
void collector_steps(const World& world, const State& state, int actor, Steps& steps);
void reader_steps(const World& world, const State& state, int actor, Steps& steps);

/// Late retries, time, decay.
void storage_steps(const World& world, const State& state, Steps& steps);

/// All of them.
void all_steps(const World& world, const State& state, Steps& steps);

/// One step of a collector when nobody else acts and all others count as dead.
/// @return whether it had not ended.
[[nodiscard]] bool lone_collector_step(const World& world, State& state, int actor, Steps& steps);

/// The packs, manifests and outcomes that these outcomes' lists name.
[[nodiscard]] Removed all_listed(const State& state, CollectionSet outcomes);
/// The packs of these markers.
[[nodiscard]] PackSet all_marked(const State& state, CollectionSet markers);
/// The manifests that exist and are on no list that exists.
[[nodiscard]] ManifestSet visible(const World& world, const State& state);

/// @return what is wrong with the state, or nullptr.
[[nodiscard]] Fault safety_fault(const World& world, const State& state);
/// The same storage when everybody has died and everything late has arrived.
[[nodiscard]] State quiet(const State& state);
/// Lets three collections run one after the other on what `quiet()` gave.
/// @return what is left over that should not be, or nullptr.
[[nodiscard]] Fault quiet_fault(const World& world, State quiet, Steps& scratch);

}  // namespace dbbackup::model
