#include "engine/prune.hpp"

#include "base/error.hpp"
#include "engine/collection.hpp"
#include "engine/compaction_plan.hpp"
#include "engine/lock_extension.hpp"
#include "engine/open_runs.hpp"
#include "engine/pack_choice.hpp"
#include "repository/collectable.hpp"
#include "repository/damage_records.hpp"
#include "storage/locked_objects.hpp"
#include "storage/object_protection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace dbbackup {
namespace {

/// So many collections in turn may be given up by others, who took this process for dead.
constexpr int kRoundsMax = 5;

/// So many small indexes are merged although nothing else is to be done.
constexpr std::size_t kIndexesMax = 32;
/// The newest list, and the one that it repeats, which the next collection deletes.
constexpr std::ptrdiff_t kListsMax = 2;

/// @throws ConfigError unless each snapshot that the user named is there and not pinned, or was
/// removed before.
void check_named(const PruneOptions& options, const CollectionView& view) {
    const std::set<std::string> removed = view.records.removed_manifests();
    for (const SnapshotId& id : options.snapshots) {
        const bool is_there =
            std::any_of(view.snapshots.begin(), view.snapshots.end(),
                        [&id](const auto& verdict) { return verdict.snapshot.id == id; });
        const auto is_its = [&id](const std::string& name) { return name.ends_with("/" + id); };
        const bool was_removed = std::any_of(removed.begin(), removed.end(), is_its);
        const bool is_given_up = std::ranges::any_of(view.removed_manifests, is_its);
        if (!is_there && !was_removed && !is_given_up) {
            throw explained<ConfigError>(fmt::format("there is no snapshot {}", id),
                                         "'db-backup list' shows those that there are.",
                                         "snapshot_unknown");
        }
        if (const auto pin = view.pins.find(id); pin != view.pins.end()) {
            throw explained<ConfigError>(
                fmt::format("snapshot {} is pinned: {}", id, pin->second),
                fmt::format("'db-backup unpin {}' lets it be removed.", id), "snapshot_pinned");
        }
    }
}

/// Manifests that somebody removed from a store that keeps them. What they need must not go for
/// good, as long as they can be brought back: `prune` itself leaves nothing behind.
std::vector<std::string> hidden_manifests(Repository& repository, const std::stop_token& stop) {
    std::vector<std::string> problems;
    ObjectProtection* const protection = repository.storage().protection();
    if (protection == nullptr || !protection->keeps_removed(stop)) {
        return problems;
    }
    const std::set<std::string> removed =
        read_collector_records(repository.storage(), repository.keys(), stop).removed_manifests();
    protection->list_removed(
        ObjectPrefix("manifests"),
        [&](const ObjectInfo& info) {
            if (!removed.contains(info.name.text())) {
                problems.push_back(
                    fmt::format("{} was removed, and no prune did that: 'db-backup undelete' "
                                "brings it back, and then prune can remove it",
                                info.name.text()));
            }
        },
        stop);
    return problems;
}

/// Other stores let unfinished uploads go by themselves after the same time.
constexpr std::chrono::hours kUploadSilence{7 * 24};

class Pruner {
public:
    Pruner(Repository& repository, const PruneOptions& options, const Context& context,
           std::stop_token stop)
        : repository_(repository),
          options_(options),
          context_(context),
          stop_(std::move(stop)),
          reader_(repository, options) {}

    PruneReport run() {
        check_collectable(repository_, stop_);
        std::vector<std::string> hidden = hidden_manifests(repository_, stop_);
        is_anything_hidden_ = !hidden.empty();
        reader_.note(std::move(hidden));
        remove();
        extend();
        if (!options_.is_dry_run) {
            end_abandoned_uploads();
        }
        report_.bytes_freed -= std::min(report_.bytes_freed, report_.bytes_compacted);
        report_.bytes_left -= std::min(report_.bytes_left, report_.bytes_freed);
        return std::move(report_);
    }

private:
    enum class Ended { done, has_room, given_up, waits };

    void remove() {
        for (int round = 0; round < kRoundsMax; ++round) {
            const CollectionView view = reader_.read(stop_);
            const std::vector<KnownRun> runs =
                list_runs(repository_.storage(), repository_.keys(), view.records, stop_);
            const std::vector<PackName> candidates = PackChoice(view).candidates();
            const CompactionPlan plan = plan_compaction(view, options_.compaction);
            report_.bytes_unused = plan.bytes_unused;
            report_.bytes_only_bases = plan.bytes_only_bases;
            if (round == 0) {
                check_named(options_, view);
                report_.snapshots = view.snapshots;
                report_.problems = view.problems;
                for (const PackState& pack : view.packs) {
                    report_.bytes_left += pack.bytes;
                }
            }
            if (options_.is_dry_run) {
                rehearse(view, plan);
                return;
            }
            if (is_anything_hidden_) {
                // A run whose manifest is hidden looks as if it had none: the tombstone that ends
                // it would take the place of what `undelete` brings back.
                return;
            }
            clean_up(view.records, runs);
            const bool has_work = this->has_work(view, candidates, runs) || !plan.is_empty();
            // While somebody writes whom nobody waits for, nothing of this will be removed.
            const bool compacts = options_.wait.count() > 0 || !is_anybody_writing(runs);
            const Ended ended = has_work ? collect(compacts) : Ended::done;
            if (!may_go_on_after(ended)) {
                break;
            }
            if (ended == Ended::given_up && round + 1 == kRoundsMax) {
                throw explained<RepositoryError>(
                    "other prunes gave up this one again and again before it could remove anything",
                    "Run it again when they have ended, or give them a longer --give-up-after.",
                    "prune_given_up");
            }
        }
    }

    /// Whatever was removed, and whoever is waited for: what stays must not lose its locks.
    void extend() {
        const std::chrono::days lock = repository_.storage().capabilities().lock;
        if (lock.count() == 0) {
            return;
        }
        std::optional<std::filesystem::path> file;
        if (options_.lock_folder) {
            file = *options_.lock_folder / repository_.id();
        }
        LockPasses passes(file, lock);
        report_.locks_extended = extend_locks(
            repository_, read_collector_records(repository_.storage(), repository_.keys(), stop_),
            passes, std::chrono::floor<std::chrono::seconds>(context_.clock.now()),
            options_.is_dry_run ? LockChange::count : LockChange::extend, stop_);
    }

    /// Another process took this one for dead; or what was freed makes room to seal more anew.
    [[nodiscard]] bool may_go_on_after(Ended ended) const {
        return ended == Ended::given_up || ended == Ended::has_room;
    }

    [[nodiscard]] bool is_anybody_writing(const std::vector<KnownRun>& runs) const {
        return std::any_of(runs.begin(), runs.end(), [this](const KnownRun& run) {
            return !run.is_decided && !run.is_collection() && !is_dead(options_.is_dead, run);
        });
    }

    Ended collect(bool compacts) {
        Collection collection(repository_, options_, context_, reader_, stop_);
        report_.is_compaction_cut_short = false;
        const std::uint64_t freed_before = report_.bytes_freed;
        collection.begin(compacts, report_);
        std::vector<KnownRun> open = collection.settle_open_runs(report_);
        if (!open.empty()) {
            report_.waiting_for = std::move(open);
            report_.bytes_waiting = collection.condemned_bytes();
            collection.abandon();
            return Ended::waits;
        }
        const bool is_decided = collection.decide(report_);
        if (is_decided) {
            collection.carry_out(report_);
        }
        const CollectorRecords records =
            read_collector_records(repository_.storage(), repository_.keys(), stop_);
        clean_up(records, list_runs(repository_.storage(), repository_.keys(), records, stop_));
        const bool has_room = report_.is_compaction_cut_short && report_.bytes_freed > freed_before;
        return !is_decided ? Ended::given_up : has_room ? Ended::has_room : Ended::done;
    }

    /// What a prune that died after its commit left, and what runs leave that have ended.
    void clean_up(const CollectorRecords& records, const std::vector<KnownRun>& runs) {
        finish_outcomes(repository_, records, report_, stop_);
        std::vector<ObjectName> leftovers;
        for (const auto& [run, packs] : records.markers) {
            if (records.is_decided(run)) {
                leftovers.push_back(marker_object_name(run));
            }
        }
        if (!leftovers.empty()) {
            // Who lists late must find the outcome before the marker goes.
            pause(options_.pause, repository_.storage().capabilities().listing_delay, stop_);
        }
        for (const KnownRun& run : runs) {
            if (run.is_decided) {
                leftovers.insert(leftovers.end(), run.objects.begin(), run.objects.end());
            }
        }
        for (const ObjectName& name : leftovers) {
            const bool is_gone =
                remove_unless_locked(repository_.storage(), name, 0, report_.locked, stop_);
            report_.leftovers_removed += is_gone ? 1 : 0;
        }
        report_.leftovers_removed +=
            remove_settled_damage_records(repository_, records.removed_packs(), stop_);
    }

    /// What stays of them costs, and harms nobody: a prune that may not look for them, or whose
    /// store cannot tell, has done its work all the same.
    void end_abandoned_uploads() {
        try {
            repository_.storage().end_abandoned_uploads(kUploadSilence, stop_);
        } catch (const StorageError& error) {
            LogFields fields{{"error", error.what()}};
            if (!error.hint().empty()) {
                fields.emplace_back("hint", error.hint());
            }
            context_.log.warning("unfinished uploads could not be looked for", fields);
        }
    }

    [[nodiscard]] bool has_work(const CollectionView& view, const std::vector<PackName>& candidates,
                                const std::vector<KnownRun>& runs) const {
        const auto lists = std::count_if(view.records.outcomes.begin(), view.records.outcomes.end(),
                                         [](const auto& each) { return each.second.has_value(); });
        return !candidates.empty() || lists > kListsMax || !view.removed_manifests.empty() ||
               !view.damaged_indexes.empty() || view.indexes.size() > kIndexesMax ||
               std::any_of(runs.begin(), runs.end(), [this](const KnownRun& run) {
                   return !run.is_decided && is_dead(options_.is_dead, run);
               });
    }

    void rehearse(const CollectionView& view, const CompactionPlan& plan) {
        const std::vector<PackName> others = PackChoice(view).candidates({plan.emptied, {}});
        std::vector<PackName> going;
        std::set_union(plan.emptied.begin(), plan.emptied.end(), others.begin(), others.end(),
                       std::back_inserter(going));
        report_.packs_removed = going.size();
        for (const PackName& pack : going) {
            report_.bytes_freed += view.pack(pack).bytes;
        }
        report_.bytes_compacted = plan.bytes_to_store;
        report_.bytes_unused = plan.bytes_unused_after;
    }

    Repository& repository_;
    const PruneOptions& options_;
    const Context& context_;
    std::stop_token stop_;
    CollectionViewReader reader_;
    bool is_anything_hidden_ = false;
    PruneReport report_;
};

}  // namespace

PruneReport prune(Repository& repository, const PruneOptions& options, const Context& context,
                  std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    PruneReport report = Pruner(repository, options, context, std::move(stop)).run();
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
