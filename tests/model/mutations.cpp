/// @file
/// What is left out, and where it must be missed.

#include "model/scenarios.hpp"

namespace dbbackup::model {
namespace {

constexpr auto kLoss = "a visible snapshot does not decode from packs that stay";
constexpr auto kUnindexed = "a pack that stays is in no index any more";
constexpr auto kWrongDamage = "a reader takes what is whole for damaged";
constexpr auto kGarbage = "a pack stays that nothing needs";
constexpr auto kSpareCopy = "a copy stays that nothing needs";
constexpr auto kOne = "one writer, one collector";
constexpr auto kTwoCopies = "two copies, two collectors";
constexpr auto kThreeCollectors = "two copies, three collectors";
constexpr auto kExpires = "a snapshot expires";
constexpr auto kStale = "stale listings";
constexpr auto kPin = "a pin";
constexpr auto kStalePin = "a pin and stale listings";
constexpr auto kPinLost = "a pinned snapshot goes";
constexpr auto kMerges = "index merges and new packs";

/// One rule left out, and data that is lost by it.
struct Loss {
    const char* name;
    const char* scenario;
    Rule rule;
    const char* fault = kLoss;
};

constexpr Loss kLosses[] = {
    {"begin after reading", kOne, Rule::begin_before_reading},
    {"a writer ignores markers", kOne, Rule::marker_check},
    {"a writer ignores removed lists", kOne, Rule::removed_check},
    {"a writer ignores bases", "a delta whose base goes", Rule::closure},
    {"a writer ignores what a list names", "a list chunk and what it names", Rule::list_contents},
    {"a writer reads collections first", kOne, Rule::writer_condemned_first},
    {"a manifest replaces a tombstone", kOne, Rule::manifest_create_if_absent},
    {"a writer starts over without reading", kOne, Rule::restart_reads_again},
    {"a writer ignores unreadable markers", "an unreadable marker, a writer",
     Rule::writer_heeds_unreadable},
    {"a pin begins after reading", kPin, Rule::begin_before_reading, kPinLost},
    {"a pin waits for no collection", kPin, Rule::pin_waits_for_collections, kPinLost},
    {"a pin ignores removed lists", kPin, Rule::pin_checks_removed, kPinLost},
    {"a pin replaces a tombstone", kPin, Rule::manifest_create_if_absent, kPinLost},
    {"no waiting for pins", kPin, Rule::wait_for_writers, kPinLost},
    {"runs listed before the marker, and a pin", kPin, Rule::marker_before_runs, kPinLost},
    {"pins as of the first reading", kPin, Rule::second_manifest_reading, kPinLost},
    {"retention ignores pins", kPin, Rule::pins_stay, kPinLost},
    {"a pin and one cache lifetime before runs", kStalePin, Rule::wait_before_runs_whole, kPinLost},
    {"a pin and no cache lifetime before reading", kStalePin, Rule::wait_before_reading, kPinLost},
    {"runs listed before the marker", kOne, Rule::marker_before_runs},
    {"no waiting for writers", kOne, Rule::wait_for_writers},
    {"one cache lifetime before runs", kStale, Rule::wait_before_runs_whole},
    {"no cache lifetime before runs", kStale, Rule::wait_before_runs},
    {"no cache lifetime before reading", kStale, Rule::wait_before_reading},
    {"no second reading", kOne, Rule::second_reading},
    {"no second reading of markers", kTwoCopies, Rule::second_marker_reading},
    {"no second reading of manifests", kOne, Rule::second_manifest_reading},
    {"a collector reads collections first", "an object lock on a copy",
     Rule::collector_condemned_first},
    {"what others condemned counts", kThreeCollectors, Rule::others_provide_nothing},
    {"what others removed counts", kThreeCollectors, Rule::collector_removed_check},
    {"the rest by name", kThreeCollectors, Rule::keep_all_in_doubt},
    {"depths ignored", "a circle of deltas", Rule::depth_order},
    {"a collector ignores unreadable markers", "an unreadable marker, two collectors",
     Rule::collector_heeds_unreadable},
    {"damage judged by snapshot", "a lost chunk", Rule::damage_by_chunk},
    {"lost chunks go", "a lost chunk", Rule::lost_chunks_stay,
     "what is left of a damaged chunk goes"},
    {"a lost list is ignored", "a lost list chunk", Rule::lost_list_stops},
    {"damaged copies count", "a lost chunk", Rule::damaged_provide_nothing},
    {"packs listed before indexes", kMerges, Rule::indexes_before_packs, kUnindexed},
    {"the merged index leaves out what others condemned", kMerges, Rule::merge_condemned,
     kUnindexed},
    {"the merged index comes last", kMerges, Rule::merged_before_outcome, kUnindexed},
    {"an outcome replaces a tombstone", "two copies and a death", Rule::outcome_create_if_absent},
    {"deleting before the outcome", kExpires, Rule::outcome_before_deleting},
    {"the marker goes before the outcome", kOne, Rule::marker_last},
    {"no cache lifetime before the marker goes", kStale, Rule::wait_before_marker_goes},
    {"tombstones go", kOne, Rule::tombstones_stay},
    {"removed lists go", kOne, Rule::removed_lists_stay},
    {"old lists do not wait for writers", "old lists in pages", Rule::lists_wait_for_writers},
    {"old lists do not wait for collectors", "old lists in pages, three collectors",
     Rule::lists_wait_for_collections},
    {"removed manifests come back", "late retries", Rule::removed_manifests_stay},
    {"runs go before they are decided", kExpires, Rule::runs_stay_until_decided},
    {"a reader lists once", "a restore during compactions", Rule::reader_lists_again, kWrongDamage},
    {"a reader ignores removed lists", "a restore of what expires", Rule::reader_checks_removed,
     kWrongDamage},
};

/// One rule left out, and garbage that stays by it.
constexpr Loss kLeftovers[] = {
    {"candidates without those of others", kOne, Rule::others_condemned_too, kGarbage},
    {"markers of decided runs count", kTwoCopies, Rule::decided_markers_void, kSpareCopy},
    {"no candidates come first", kTwoCopies, Rule::prefer_sole_candidates, kSpareCopy},
    {"outcomes of others stay unfinished", kOne, Rule::finish_others, "a marker stays"},
    {"dead collectors are not given up", kOne, Rule::give_up_collectors,
     "signs of life of decided runs stay"},
};

}  // namespace

std::vector<Mutation> mutations() {
    std::vector<Mutation> all;
    for (const Loss& loss : kLosses) {
        all.push_back({loss.name, loss.scenario, Rules{}.without(loss.rule), loss.fault, false});
    }
    for (const Loss& loss : kLeftovers) {
        all.push_back({loss.name, loss.scenario, Rules{}.without(loss.rule), loss.fault, true});
    }
    const Rules two_processes = Rules{}.without(Rule::one_process_per_outcome);
    all.push_back({"the own list is obeyed", "two processes for one collection",
                   two_processes.without(Rule::obey_stored_outcome), kLoss, false});
    all.push_back({"two processes for one outcome",
                   "two processes for one collection, and its list goes", two_processes, kLoss,
                   false});
    all.push_back(
        {"a pack for each chunk alone", "a pack for each chunk alone", Rules{}, kLoss, false});
    return all;
}

}  // namespace dbbackup::model
