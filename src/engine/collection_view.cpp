#include "engine/collection_view.hpp"

#include "base/error.hpp"
#include "repository/damage_records.hpp"
#include "repository/pins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

constexpr int kAttemptsMax = 5;

/// @pre the verdicts are about `of_source`, in any order.
void add_verdicts(const PruneOptions& options, const PinReasons& pins,
                  const std::vector<SnapshotSummary>& of_source,
                  std::vector<SnapshotVerdict>& verdicts) {
    const std::vector<SnapshotId>& also = options.snapshots;
    std::map<SnapshotId, SnapshotVerdict> decided;
    if (options.retention) {
        for (SnapshotVerdict& verdict : options.retention(of_source, pins)) {
            SnapshotId id = verdict.snapshot.id;
            decided.insert_or_assign(std::move(id), std::move(verdict));
        }
    }
    for (const SnapshotSummary& snapshot : of_source) {
        const auto found = decided.find(snapshot.id);
        SnapshotVerdict verdict =
            found == decided.end() ? SnapshotVerdict{snapshot, true, ""} : std::move(found->second);
        if (std::find(also.begin(), also.end(), snapshot.id) != also.end()) {
            verdict = {snapshot, false, "named"};
        }
        const auto pin = pins.find(snapshot.id);
        if (pin != pins.end() && (!verdict.is_kept || verdict.reason.empty())) {
            verdict = {snapshot, true, fmt::format("stays: pinned: {}", pin->second)};
        }
        verdicts.push_back(std::move(verdict));
    }
}

}  // namespace

CollectionViewReader::CollectionViewReader(Repository& repository, const PruneOptions& options)
    : repository_(repository), options_(options), reachability_(repository) {}

CollectionView CollectionViewReader::read(std::stop_token stop) {
    for (int attempt = 1;; ++attempt) {
        try {
            return read_once(stop);
        } catch (const ConfigError&) {
            // Another collection removed a snapshot after it was listed.
            if (attempt == kAttemptsMax) {
                throw;
            }
        }
    }
}

CollectionView CollectionViewReader::read_once(std::stop_token stop) {
    CollectionView view;
    view.records = read_collector_records(repository_.storage(), repository_.keys(), stop);
    std::vector<std::string> damaged;
    std::vector<SnapshotSummary> visible = repository_.snapshots(stop, &damaged);
    for (const std::string& name : damaged) {
        view.problems.push_back(fmt::format("{} cannot be read", name));
    }
    // A pin stands before anybody who waits for its run reads on, so it does not matter that it is
    // listed after its snapshot.
    view.pins = pin_reasons(read_pins(repository_.storage(), repository_.keys(), stop));
    decide(view, std::move(visible));
    read_needs(view, stop);
    // Indexes before packs: whatever a listed index names was stored before it, so a pack that is
    // not listed then has gone, and a merged index may do without it.
    read_indexes(view, stop);
    list_packs(view, stop);
    read_directories(view, stop);
    return view;
}

void CollectionViewReader::decide(CollectionView& view,
                                  std::vector<SnapshotSummary> visible) const {
    // They come by source and sequence.
    for (auto first = visible.begin(); first != visible.end();) {
        const auto last = std::find_if(first, visible.end(), [&first](const auto& each) {
            return each.source_id != first->source_id;
        });
        add_verdicts(options_, view.pins, {first, last}, view.snapshots);
        first = last;
    }
    for (const SnapshotVerdict& verdict : view.snapshots) {
        if (!verdict.is_kept) {
            view.removed_manifests.push_back(
                manifest_object_name(verdict.snapshot.source_id, verdict.snapshot.id).text());
        }
    }
}

void CollectionViewReader::read_needs(CollectionView& view, std::stop_token stop) {
    std::set<const Needs*> seen;
    for (const SnapshotVerdict& verdict : view.snapshots) {
        if (!verdict.is_kept) {
            continue;
        }
        try {
            const auto needs = reachability_.of(verdict.snapshot, stop);
            view.problems.insert(view.problems.end(), needs->problems.begin(),
                                 needs->problems.end());
            for (const auto& part : needs->parts) {
                if (seen.insert(part.get()).second) {
                    view.needed.insert(view.needed.end(), part->chunks.begin(), part->chunks.end());
                    view.referred.insert(part->packs.begin(), part->packs.end());
                }
            }
            for (const IndexedPack& pack : needs->inline_index) {
                std::shared_ptr<const IndexedPack>& known = directories_[pack.name];
                if (!known) {
                    known = std::make_shared<const IndexedPack>(pack);
                }
            }
        } catch (const CorruptionError& error) {
            view.problems.push_back(
                fmt::format("snapshot {}: {}", verdict.snapshot.id, error.what()));
        }
    }
    std::sort(view.needed.begin(), view.needed.end());
    view.needed.erase(std::unique(view.needed.begin(), view.needed.end()), view.needed.end());
}

void CollectionViewReader::read_indexes(CollectionView& view, std::stop_token stop) {
    const std::set<std::string> removed = view.records.removed_indexes();
    std::vector<ObjectName> names;
    repository_.storage().list(
        ObjectPrefix("indexes"),
        [&](const ObjectInfo& info) {
            if (!removed.contains(info.name.text())) {
                names.push_back(info.name);
            }
        },
        stop);
    std::map<std::string, std::shared_ptr<const IndexObject>> present;
    for (const ObjectName& name : names) {
        try {
            std::shared_ptr<const IndexObject> index = std::exchange(indexes_[name.text()], {});
            if (!index) {
                index = read_index_object(repository_, name, stop);
            }
            if (index) {
                view.indexes.push_back(index);
                present.emplace(name.text(), std::move(index));
            }
        } catch (const CorruptionError& error) {
            // Only economy: the packs themselves tell what they hold.
            repository_.log().warning("an index cannot be read and is made anew",
                                      {{"object", name.text()}, {"error", error.what()}});
            view.damaged_indexes.push_back(name.text());
        }
    }
    indexes_ = std::move(present);
}

void CollectionViewReader::list_packs(CollectionView& view, std::stop_token stop) {
    const std::set<PackName> removed = view.records.removed_packs();
    repository_.storage().list(
        ObjectPrefix("packs"),
        [&](const ObjectInfo& info) {
            const std::optional<PackName> pack = pack_name_of(info.name);
            if (pack && !removed.contains(*pack)) {
                view.packs[*pack].bytes = info.size_bytes;
            }
        },
        stop);
}

void CollectionViewReader::read_directories(CollectionView& view, std::stop_token stop) {
    // After the packs: what was stored because of a record comes with that record.
    const DamageRecords damaged = read_all_damage_records(repository_, stop);
    for (const ObjectName& name : damaged.unreadable) {
        view.problems.push_back(fmt::format("{} cannot be read", name.text()));
    }
    for (const auto& index : view.indexes) {
        for (const IndexedPack& pack : index->packs) {
            const auto found = view.packs.find(pack.name);
            if (found != view.packs.end()) {
                // Shares the index's lifetime.
                found->second.directory = std::shared_ptr<const IndexedPack>(index, &pack);
                found->second.is_indexed = true;
            }
        }
    }
    for (auto& [name, state] : view.packs) {
        if (!state.directory) {
            std::shared_ptr<const IndexedPack>& known = directories_[name];
            try {
                if (!known) {
                    known = fetch_pack_directory(repository_, name, state.bytes, stop);
                }
            } catch (const CorruptionError& error) {
                repository_.log().warning(
                    "a pack's directory cannot be read, so the pack stays",
                    {{"object", pack_object_name(name).text()}, {"error", error.what()}});
            }
            state.directory = known;
        }
        state.is_recorded_damaged = damaged.packs.contains(name);
        state.is_sound =
            state.directory && state.directory->bytes == state.bytes && !state.is_recorded_damaged;
    }
    std::erase_if(directories_, [&view](const auto& each) {
        return !each.second || !view.packs.contains(each.first);
    });
}

}  // namespace dbbackup
