#include "engine/collection_view.hpp"

#include "base/error.hpp"
#include "repository/damage_records.hpp"
#include "repository/pins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
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

/// Beside the local index of the repository: there is room for files of that size.
std::vector<std::filesystem::path> folders_for_tables(const Repository& repository) {
    std::vector<std::filesystem::path> folders = temporary_folders();
    if (const auto& file = repository.local_index_file()) {
        folders.insert(folders.begin(), file->parent_path());
    }
    return folders;
}

/// @param referred Sorted, each once, as the packs of `view` are.
void mark_referred(CollectionView& view, const ScratchArray<PackName>& referred) {
    PackState* pack = view.packs.begin();
    for (const PackName& name : referred) {
        pack = std::find_if(pack, view.packs.end(),
                            [&name](const PackState& each) { return each.name >= name; });
        const bool is_there = pack != view.packs.end() && pack->name == name;
        if (is_there) {
            pack->is_referred = true;
        }
        view.is_any_referred_gone = view.is_any_referred_gone || !is_there;
    }
}

}  // namespace

std::optional<std::size_t> CollectionView::place_of(const PackName& name) const {
    const PackState* const found = std::lower_bound(
        packs.begin(), packs.end(), name,
        [](const PackState& pack, const PackName& wanted) { return pack.name < wanted; });
    if (found == packs.end() || found->name != name) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - packs.begin());
}

CollectionViewReader::CollectionViewReader(Repository& repository, const PruneOptions& options)
    : repository_(repository),
      options_(options),
      scratch_(folders_for_tables(repository), repository.log(), options.table_memory_bytes_max),
      directories_(scratch_),
      reachability_(repository, scratch_, directories_) {}

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
    CollectionView view(scratch_, directories_);
    view.records = read_collector_records(repository_.storage(), repository_.keys(), stop);
    std::vector<std::string> damaged;
    const Removals removals = view.records.removals();
    std::vector<SnapshotSummary> visible = repository_.snapshots(stop, &damaged, &removals);
    for (const std::string& name : damaged) {
        view.problems.push_back(fmt::format("{} cannot be read", name));
    }
    // A pin stands before anybody who waits for its run reads on, so it does not matter that it is
    // listed after its snapshot.
    view.pins = pin_reasons(read_pins(repository_.storage(), repository_.keys(), stop));
    decide(view, std::move(visible));
    note_lost(view);
    const ScratchArray<PackName> referred = read_needs(view, stop);
    // Indexes before packs: whatever a listed index names was stored before it, so a pack that is
    // not listed then has gone, and a merged index may do without it.
    read_indexes(view, stop);
    list_packs(view, stop);
    mark_referred(view, referred);
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

void CollectionViewReader::note(std::vector<std::string> problems) { noted_ = std::move(problems); }

/// Somebody took a manifest away, or the storage does not show it: when it comes back, it needs its
/// data. Who names it wants it gone.
void CollectionViewReader::note_lost(CollectionView& view) const {
    view.problems.insert(view.problems.end(), noted_.begin(), noted_.end());
    const std::set<std::string> removed = view.records.removed_manifests();
    for (const ObjectName& name : repository_.lost_manifests()) {
        if (removed.contains(name.text())) {
            continue;
        }
        if (std::ranges::find(options_.snapshots, name.leaf()) != options_.snapshots.end()) {
            view.removed_manifests.push_back(name.text());
        } else {
            view.problems.push_back(fmt::format(
                "{} is gone, though this machine has seen it and no prune removed it; if it is not "
                "to come back, 'db-backup prune {}' gives it up",
                name.text(), name.leaf()));
        }
    }
}

ScratchArray<PackName> CollectionViewReader::read_needs(CollectionView& view,
                                                        std::stop_token stop) {
    ScratchSet<ChunkId> needed(scratch_);
    ScratchSet<PackName> referred(scratch_);
    std::vector<bool> seen;
    for (const SnapshotVerdict& verdict : view.snapshots) {
        if (!verdict.is_kept) {
            continue;
        }
        try {
            const SnapshotNeeds needs = reachability_.of(verdict.snapshot, stop);
            view.problems.insert(view.problems.end(), needs.problems.begin(), needs.problems.end());
            for (const std::uint32_t part : reachability_.parts(needs)) {
                if (seen.size() <= part) {
                    seen.resize(std::size_t{part} + 1);
                }
                if (!seen[part]) {
                    needed.add(reachability_.chunks(part));
                    referred.add(reachability_.packs(part));
                }
                seen[part] = true;
            }
        } catch (const CorruptionError& error) {
            view.problems.push_back(
                fmt::format("snapshot {}: {}", verdict.snapshot.id, error.what()));
        }
    }
    view.needed = needed.take();
    return referred.take();
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
    std::map<std::string, KnownIndex> present;
    for (const ObjectName& name : names) {
        try {
            auto known = indexes_.find(name.text());
            if (known == indexes_.end()) {
                const auto index = read_index_object(repository_, name, stop);
                if (!index) {
                    continue;
                }
                known = indexes_.emplace(name.text(), directories_.add(*index)).first;
            }
            view.indexes.push_back(known->second);
            present.insert(*known);
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
                PackState state;
                state.name = *pack;
                state.bytes = info.size_bytes;
                view.packs.push_back(state);
            }
        },
        stop);
    std::sort(view.packs.begin(), view.packs.end(),
              [](const PackState& left, const PackState& right) { return left.name < right.name; });
    const PackState* const last = std::unique(
        view.packs.begin(), view.packs.end(),
        [](const PackState& left, const PackState& right) { return left.name == right.name; });
    view.packs.truncate(static_cast<std::size_t>(last - view.packs.begin()));
}

void CollectionViewReader::read_directories(CollectionView& view, std::stop_token stop) {
    // After the packs: what was stored because of a record comes with that record.
    const DamageRecords damaged = read_all_damage_records(repository_, stop);
    for (const ObjectName& name : damaged.unreadable) {
        view.problems.push_back(fmt::format("{} cannot be read", name.text()));
    }
    std::vector<bool> indexed(directories_.size());
    for (const KnownIndex& index : view.indexes) {
        for (const std::uint32_t pack : directories_.packs(index)) {
            indexed[pack] = true;
        }
    }
    for (PackState& state : view.packs) {
        std::optional<std::uint32_t> known = directories_.find(state.name);
        state.is_indexed = known && *known < indexed.size() && indexed[*known];
        try {
            if (!known) {
                const auto fetched =
                    fetch_pack_directory(repository_, state.name, state.bytes, stop);
                known = fetched ? std::optional(directories_.add(*fetched)) : std::nullopt;
            }
        } catch (const CorruptionError& error) {
            repository_.log().warning(
                "a pack's directory cannot be read, so the pack stays",
                {{"object", pack_object_name(state.name).text()}, {"error", error.what()}});
        }
        state.directory = known.value_or(PackDirectories::kNone);
        state.is_recorded_damaged = damaged.packs.contains(state.name);
        state.is_sound =
            known && directories_.bytes(*known) == state.bytes && !state.is_recorded_damaged;
    }
}

}  // namespace dbbackup
