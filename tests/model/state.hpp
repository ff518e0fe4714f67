#pragma once

/// @file
/// One moment of the modelled world: what the storage holds and where every process stands.
///
/// Sets are bit masks: bit p of a pack mask is the pack whose name is the p-th smallest, bit c of a
/// chunk mask is chunk c, bit r of a collection mask is the collection in slot r. What never
/// changes (what a pack holds, what a manifest needs) is in the scenario and not in here.

#include <array>
#include <cstdint>
#include <type_traits>

namespace dbbackup::model {

using PackSet = std::uint16_t;
using IndexSet =
    std::uint16_t;  ///< Bits 0-7: of the run or the start; 8-15: merged, by collection.
using ChunkSet = std::uint8_t;
using ManifestSet = std::uint8_t;  ///< Also the set of writing runs: a run has one manifest name.
using CollectionSet = std::uint8_t;

inline constexpr int kPacksMax = 12;
inline constexpr int kChunksMax = 6;
inline constexpr int kManifestsMax = 8;
inline constexpr int kCollectionsMax = 8;
inline constexpr int kActorsMax = 5;

/// A listing cache may hide what was put less than this many ticks ago.
inline constexpr int kCacheTicks = 2;

/// The set with `place` alone.
template <class Set = std::uint16_t>
constexpr Set bit(int place) {
    return static_cast<Set>(1U << static_cast<unsigned>(place));
}

/// Whether `set` has `place`.
template <class Set>
constexpr bool has(Set set, int place) {
    return ((static_cast<unsigned>(set) >> static_cast<unsigned>(place)) & 1U) != 0;
}

/// Whether all of `part` is in `whole`.
template <class Set>
constexpr bool within(Set part, Set whole) {
    return (part & static_cast<Set>(~whole)) == 0;
}

/// `set` without `part`.
template <class Set>
constexpr Set without(Set set, Set part) {
    return static_cast<Set>(set & static_cast<Set>(~part));
}

/// Adds to, or takes from, a set in place; the built-in operators widen to int.
template <class Set>
constexpr void add(Set& set, Set more) {
    set = static_cast<Set>(set | more);
}
template <class Set>
constexpr void take(Set& set, Set part) {
    set = without(set, part);
}

/// What a collection's outcome says.
struct Removed {
    PackSet packs = 0;
    IndexSet indexes = 0;  ///< Those that the merged index replaces.
    ManifestSet manifests = 0;
    CollectionSet taken = 0;  ///< The outcomes whose lists this one repeats.
};

/// Where a process stands and what it has read. A process that has ended keeps nothing but that.
struct Actor {
    PackSet blocked = 0;  ///< Writer: what markers and lists name. Reader: where it looks.
    PackSet packs = 0;    ///< Writer: still to put. Collector: seen by the last listing.
    PackSet merged = 0;   ///< Collector: what its merged index covers.
    IndexSet indexes = 0;
    Removed list;  ///< Collector: what it will put as its outcome.
    std::uint8_t step = 0;
    std::uint8_t run = 0;      ///< Slot of its manifest or collection.
    std::uint8_t page = 0;     ///< How far a listing in pages has come.
    std::uint8_t waited = 0;   ///< Ticks since the last thing that is waited after.
    std::uint8_t attempt = 0;  ///< Writer: how often it started over.
    CollectionSet seen_markers = 0;
    CollectionSet seen_lists = 0;
    CollectionSet seen_tombstones = 0;
    ManifestSet seen_manifests = 0;
    ManifestSet open_writers = 0;
    CollectionSet open_collections = 0;
    CollectionSet disposable = 0;  ///< Old lists that were taken over before step 5.
};

/// The world. Plain bytes without padding, so that two are equal when their bytes are.
struct State {
    PackSet packs = 0;               ///< That exist.
    PackSet packs_put = 0;           ///< That were ever put.
    PackSet packs_indexed = 0;       ///< That an index ever named.
    PackSet locked = 0;              ///< Under an object lock: cannot be deleted yet.
    IndexSet indexes = 0;            ///< That exist.
    std::uint16_t late_retries = 0;  ///< How many puts may still arrive again.
    std::array<PackSet, 16> index_covers{};
    std::array<PackSet, kCollectionsMax> marker_packs{};  ///< Kept when the marker is deleted.
    std::array<Removed, kCollectionsMax> lists{};         ///< Kept when the outcome is deleted.
    ManifestSet manifests = 0;
    ManifestSet manifest_tombstones = 0;
    ManifestSet manifests_put = 0;  ///< That were ever put.
    ManifestSet writing_runs = 0;   ///< `runs/<run>/0` of writers.
    CollectionSet collecting_runs = 0;
    CollectionSet markers = 0;
    CollectionSet markers_put = 0;
    CollectionSet markers_unreadable = 0;
    CollectionSet outcomes = 0;  ///< That hold a list.
    CollectionSet outcomes_put = 0;
    CollectionSet collection_tombstones = 0;
    CollectionSet open_stored = 0;  ///< Whose open list stands in `runs/<run>/<n>`.
    std::array<ManifestSet, kCollectionsMax> open_writers{};
    /// What was put 0 (first) or 1 (second) ticks ago; older things are in neither.
    std::array<CollectionSet, 2> fresh_markers{};
    std::array<CollectionSet, 2> fresh_outcomes{};
    std::array<ManifestSet, 2> fresh_runs{};
    std::array<ManifestSet, 2> fresh_manifests{};
    std::array<Actor, kActorsMax> actors{};
};

static_assert(std::is_trivially_copyable_v<State>);
static_assert(std::has_unique_object_representations_v<State>);

}  // namespace dbbackup::model
