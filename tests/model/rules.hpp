#pragma once

/// @file
/// The rules of docs/protocol.md, one flag each. A mutation is the protocol with one of them left
/// out; docs/model.md says what each of these loses.

#include <bitset>
#include <cstddef>

namespace dbbackup::model {

/// Grouped as in the protocol's page. What is said is what the rule demands.
enum class Rule : std::size_t {
    // Writing
    begin_before_reading,    ///< `runs/<run>/0` comes before markers and lists are read.
    marker_check,            ///< A writer reuses nothing that a marker names.
    removed_check,           ///< A writer reuses nothing that a `removed` list names.
    closure,                 ///< A copy is reused only if its bases may be, too.
    list_contents,           ///< A list chunk is reused only if what it lists may be, too.
    writer_condemned_first,  ///< A writer reads `condemned/` before `collections/`.
    manifest_create_if_absent,
    restart_reads_again,      ///< After a tombstone a writer takes steps 1 and 2 again.
    writer_heeds_unreadable,  ///< A marker that cannot be read: reuse nothing.
    // Pinning
    pin_waits_for_collections,  ///< Who pins waits for every marker that counts.
    pin_checks_removed,         ///< ... and refuses what a `removed` list names by then.
    // Collecting, up to step 5
    others_condemned_too,    ///< Candidates include what other markers name.
    marker_before_runs,      ///< The marker stands before runs are listed.
    wait_for_writers,        ///< Step 5 waits until all that it found open are decided.
    wait_before_runs_whole,  ///< ... and comes two cache lifetimes after the marker, not one.
    wait_before_runs,        ///< ... or at once.
    wait_before_reading,     ///< A cache lifetime between steps 5 and 6.
    // Step 6
    second_reading,              ///< Everything is read again, not remembered from step 2.
    second_marker_reading,       ///< ... `condemned/` and `collections/` too.
    second_manifest_reading,     ///< ... packs and manifests too.
    collector_condemned_first,   ///< A collector reads `condemned/` before `collections/`.
    pins_stay,                   ///< Retention removes nothing that is pinned.
    others_provide_nothing,      ///< A pack in another undecided marker provides nothing.
    collector_removed_check,     ///< A pack on a `removed` list provides nothing.
    keep_all_in_doubt,           ///< Own candidates don't suffice: every useful one stays.
    prefer_sole_candidates,      ///< ... but those that no other marker names come first.
    decided_markers_void,        ///< Markers of decided runs do not count.
    depth_order,                 ///< A base copy has a smaller depth than what is based on it.
    collector_heeds_unreadable,  ///< A marker that cannot be read: delete nothing.
    damage_by_chunk,             ///< One lost chunk does not give up the rest of its snapshot.
    lost_chunks_stay,            ///< Packs that hold a chunk no pack decodes stay.
    lost_list_stops,             ///< No pack goes while a list chunk is lost.
    damaged_provide_nothing,     ///< A damaged copy is no copy.
    indexes_before_packs,        ///< Step 6 lists `indexes/` before `packs/`.
    merge_condemned,             ///< The merged index covers what others condemned.
    // From step 7
    merged_before_outcome,  ///< The merged index stands before the outcome.
    outcome_create_if_absent,
    obey_stored_outcome,      ///< Delete what the stored outcome names, not the own list.
    outcome_before_deleting,  ///< Nothing is deleted before the outcome stands.
    marker_last,              ///< The marker goes after the outcome stands.
    wait_before_marker_goes,  ///< A cache lifetime between outcome and deleting a marker.
    tombstones_stay,
    removed_lists_stay,          ///< Until a later outcome has taken them over.
    lists_wait_for_writers,      ///< Old lists go only after a step 5 that came after the taker.
    lists_wait_for_collections,  ///< ... and whose open collections are decided, too.
    removed_manifests_stay,      ///< A manifest on a list does not exist, even if put again.
    runs_stay_until_decided,     ///< `runs/<run>/*` goes only after the outcome stands.
    one_process_per_outcome,     ///< Nobody puts the outcome of another run, only tombstones.
    finish_others,               ///< Step 8 also for the unfinished outcomes of others.
    give_up_collectors,          ///< Dead collectors get a tombstone.
    // Reading
    reader_lists_again,     ///< A failed read is damage only if a new listing is the same.
    reader_checks_removed,  ///< A manifest on a list is told from damage.
    count
};

/// Which rules are kept: all but those left out.
class Rules {
public:
    /// Leaves one rule out; to be chained.
    [[nodiscard]] Rules without(Rule rule) const {
        Rules rest = *this;
        rest.left_out_.set(static_cast<std::size_t>(rule));
        return rest;
    }
    /// Whether the rule is kept.
    [[nodiscard]] bool keep(Rule rule) const {
        return !left_out_.test(static_cast<std::size_t>(rule));
    }

private:
    std::bitset<static_cast<std::size_t>(Rule::count)> left_out_;
};

}  // namespace dbbackup::model
