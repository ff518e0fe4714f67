#include "engine/collection.hpp"

#include "base/error.hpp"
#include "engine/compaction.hpp"
#include "engine/index_merge.hpp"
#include "engine/lock_extension.hpp"
#include "engine/open_runs.hpp"
#include "storage/listing.hpp"
#include "storage/locked_objects.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

std::chrono::milliseconds listing_delay(Repository& repository) {
    return repository.storage().capabilities().listing_delay;
}

/// A full disk refuses even this; then nothing can be freed without help.
template <class Action>
void put_small(Repository& repository, const Action& action) {
    try {
        action();
    } catch (StorageError& error) {
        error.add_context("storing what a collection needs before it may delete anything");
        if (error.hint().empty()) {
            error.set_hint(
                fmt::format("If the storage is full, make room for a few hundred KiB "
                            "at {} and run prune again.",
                            repository.storage().url()));
        }
        throw;
    }
}

void append(std::vector<std::string>& out, const std::set<std::string>& in) {
    out.insert(out.end(), in.begin(), in.end());
}

/// The report was begun with what stood then. Now it says what goes indeed: what was pinned stays
/// after all, and the oldest go when new ones were taken.
void take_over_verdicts(const CollectionView& view, PruneReport& report) {
    std::set<SnapshotId> here;
    for (const SnapshotVerdict& verdict : view.snapshots) {
        here.insert(verdict.snapshot.id);
    }
    std::vector<SnapshotVerdict> verdicts = view.snapshots;
    for (SnapshotVerdict& earlier : report.snapshots) {
        if (!earlier.is_kept && !here.contains(earlier.snapshot.id)) {
            verdicts.push_back(std::move(earlier));
        }
    }
    report.snapshots = std::move(verdicts);
}

}  // namespace

Collection::Collection(Repository& repository, const PruneOptions& options, const Context& context,
                       CollectionViewReader& reader, std::stop_token stop)
    : repository_(repository),
      options_(options),
      context_(context),
      reader_(reader),
      stop_(std::move(stop)) {}

void Collection::begin(bool compacts, PruneReport& report) {
    put_small(repository_, [this] {
        run_ =
            std::make_unique<LivingRun>(repository_.storage(), repository_.keys(), context_.clock,
                                        kCollectionKind, collection_object_name, stop_);
    });
    CollectionView view = reader_.read(stop_);
    taken_over_before_ = view.records.taken_over;
    Compacted compacted;
    if (compacts) {
        compacted = compact_first(view, report);
    }
    const std::vector<PackName> candidates = PackChoice(view).candidates(compacted);
    for (const PackName& pack : candidates) {
        condemned_bytes_ += view.pack(pack).bytes;
    }
    const ObjectName marker = marker_object_name(id());
    put_small(repository_, [&] {
        repository_.storage().put(marker, encode_marker(repository_.keys(), marker, candidates),
                                  stop_);
    });
}

Compacted Collection::compact_first(CollectionView& view, PruneReport& report) {
    Compacted compacted;
    {
        const CompactionPlan plan = plan_compaction(view, options_.compaction);
        report.bytes_unused = plan.bytes_unused_after;
        report.bytes_only_bases = options_.compaction.rebases ? 0 : plan.bytes_only_bases;
        if (plan.is_empty()) {
            return {};
        }
        compacted = compact(repository_, plan, context_, report, stop_);
    }
    if (!compacted.stored.empty()) {
        view = reader_.read(stop_);
    }
    return compacted;
}

std::uint64_t Collection::condemned_bytes() const { return condemned_bytes_; }

std::vector<KnownRun> Collection::settle_open_runs(PruneReport& report) {
    pause(options_.pause, 2 * listing_delay(repository_), stop_);
    OpenRuns runs(repository_, options_, id(), stop_);
    std::vector<RunId> open;
    for (const KnownRun& run : runs.look()) {
        open.push_back(run.id);
        if (run.is_collection()) {
            open_collections_.push_back(run);
        }
    }
    if (!open.empty()) {
        run_->record_open(open, stop_);
    }
    return runs.settle(report);
}

bool Collection::decide(PruneReport& report) {
    pause(options_.pause, listing_delay(repository_), stop_);
    const CollectionView view = reader_.read(stop_);
    const ObjectName name = collection_object_name(id());
    if (view.records.is_decided(id())) {
        return false;
    }
    const auto marker = view.records.markers.find(id());
    std::set<PackName> own;
    if (marker != view.records.markers.end()) {
        own.insert(marker->second.begin(), marker->second.end());
    }
    const std::vector<PackName> packs = PackChoice(view).removable(id(), own);
    const std::vector<std::string> indexes = merge_indexes(repository_, view, packs, stop_);
    stored_ = make_outcome(view, packs, indexes);
    report.problems = view.problems;
    take_over_verdicts(view, report);
    PutResult result{};
    put_small(repository_, [&] {
        result = repository_.storage().put(
            name, encode_collection(repository_.keys(), name, stored_), stop_);
    });
    return result == PutResult::created;
}

void Collection::abandon() {
    KnownRun own;
    own.id = id();
    own.outcome = collection_object_name(id());
    give_up(repository_.storage(), repository_.keys(), own, id(), "other runs were open", stop_);
    pause(options_.pause, listing_delay(repository_), stop_);
    LockedObjects locked;  // The next prune tells of it.
    delete_marker(id(), locked);
    run_.reset();
}

bool Collection::delete_marker(const RunId& run, LockedObjects& locked) {
    return remove_unless_locked(repository_.storage(), marker_object_name(run), 0, locked, stop_);
}

CollectionOutcome Collection::make_outcome(const CollectionView& view,
                                           const std::vector<PackName>& packs,
                                           const std::vector<std::string>& indexes) const {
    // What earlier lists name is named again, so that they can go some day.
    std::set<PackName> all_packs = view.records.removed_packs();
    all_packs.insert(packs.begin(), packs.end());
    std::set<std::string> all_indexes = view.records.removed_indexes();
    all_indexes.insert(indexes.begin(), indexes.end());
    std::set<std::string> all_manifests = view.records.removed_manifests();
    all_manifests.insert(view.removed_manifests.begin(), view.removed_manifests.end());
    std::set<std::string> taken_over = view.records.taken_over;
    for (const auto& [run, outcome] : view.records.outcomes) {
        if (outcome) {
            taken_over.insert(collection_object_name(run).text());
        }
    }
    CollectionOutcome outcome;
    outcome.removed_packs.assign(all_packs.begin(), all_packs.end());
    append(outcome.removed_indexes, all_indexes);
    append(outcome.removed_manifests, all_manifests);
    append(outcome.taken_over, taken_over);
    return outcome;
}

void Collection::carry_out(PruneReport& report) {
    CollectorRecords own;
    own.outcomes.emplace(id(), stored_);
    finish_outcomes(repository_, own, report, stop_);
    delete_taken_over(report);
    // Who lists late must still find the marker, or else the outcome.
    pause(options_.pause, listing_delay(repository_), stop_);
    delete_marker(id(), report.locked);
    run_.reset();
}

bool Collection::are_collections_decided() {
    return std::all_of(
        open_collections_.begin(), open_collections_.end(),
        [this](const KnownRun& run) { return is_decided_now(repository_.storage(), run, stop_); });
}

void Collection::delete_taken_over(PruneReport& report) {
    if (taken_over_before_.empty() || !are_collections_decided()) {
        return;
    }
    for (const std::string& text : taken_over_before_) {
        const ObjectName name(text);
        if (name == collection_object_name(id()) ||
            !repository_.storage().size_bytes(name, stop_)) {
            continue;
        }
        // Nothing of that collection may stay undecided.
        const std::string run(name.leaf());
        const auto removes = [&](const ObjectName& object) {
            const bool is_gone =
                remove_unless_locked(repository_.storage(), object, 0, report.locked, stop_);
            report.leftovers_removed += is_gone ? 1 : 0;
            return is_gone;
        };
        bool is_clean = delete_marker(run, report.locked);
        for (const ObjectName& sign : names_below(repository_.storage(), "runs/" + run, stop_)) {
            is_clean = removes(sign) && is_clean;
        }
        if (is_clean) {
            removes(name);
        }
    }
}

Deleted delete_named(Storage& storage, const char* folder, const std::set<std::string>& names,
                     LockedObjects& locked, std::stop_token stop) {
    std::vector<ObjectInfo> found;
    if (!names.empty()) {
        storage.list(
            ObjectPrefix(folder),
            [&](const ObjectInfo& info) {
                if (names.contains(info.name.text()) && !locked.contains(info.name)) {
                    found.push_back(info);
                }
            },
            stop);
    }
    find_locked(storage, found, locked, stop);
    Deleted deleted;
    for (const ObjectInfo& info : found) {
        if (remove_unless_locked(storage, info.name, info.size_bytes, locked, stop)) {
            ++deleted.objects;
            deleted.bytes += info.size_bytes;
        }
    }
    return deleted;
}

void finish_outcomes(Repository& repository, const CollectorRecords& records, PruneReport& report,
                     std::stop_token stop) {
    Storage& storage = repository.storage();
    std::set<std::string> packs;
    for (const PackName& pack : records.removed_packs()) {
        packs.insert(pack_object_name(pack).text());
    }
    LockedObjects& locked = report.locked;
    report.bytes_freed +=
        delete_named(storage, "manifests", records.removed_manifests(), locked, stop).bytes;
    const Deleted deleted = delete_named(storage, "packs", packs, locked, stop);
    report.packs_removed += deleted.objects;
    report.bytes_freed += deleted.bytes;
    report.bytes_freed +=
        delete_named(storage, "indexes", records.removed_indexes(), locked, stop).bytes;
}

}  // namespace dbbackup
