#include "repository/chunk_index.hpp"

#include "base/error.hpp"
#include "repository/local_index.hpp"
#include "repository/manifest.hpp"
#include "repository/synced_index.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

/// Small runs keep their directory in the manifest. Older ones than this are left to merged
/// indexes; a chunk that is not found costs space, never safety.
constexpr std::size_t kManifestsMax = 32;
/// Near 16 MiB.
constexpr std::size_t kPlacesMax = 65'536;
constexpr std::size_t kTagKeyBytes = 32;

void load_inline_indexes(Repository& repository, const SourceId& source, const Removals& removals,
                         ChunkIndex& index, std::stop_token stop) {
    std::vector<SnapshotSummary> snapshots = repository.snapshots_of(source, stop, &removals);
    std::reverse(snapshots.begin(), snapshots.end());
    snapshots.resize(std::min(snapshots.size(), kManifestsMax));
    for (const SnapshotSummary& snapshot : snapshots) {
        try {
            const auto manifest = repository.manifest(snapshot.id, stop);
            for (const IndexedPack& pack : manifest->inline_index) {
                index.add(pack, removals);
            }
        } catch (const Error& error) {
            // Gone or damaged: its chunks are not found by this way, that is all.
            repository.log().debug("a manifest's index is not used",
                                   {{"snapshot", snapshot.id}, {"error", error.what()}});
        }
    }
}

}  // namespace

ChunkIndex::ChunkIndex() = default;
ChunkIndex::ChunkIndex(std::unique_ptr<SyncedIndex> shared, Admits admits)
    : shared_(std::move(shared)), admits_(std::move(admits)) {}
ChunkIndex::~ChunkIndex() = default;
ChunkIndex::ChunkIndex(ChunkIndex&&) noexcept = default;
ChunkIndex& ChunkIndex::operator=(ChunkIndex&&) noexcept = default;

void ChunkIndex::add(const IndexedPack& pack, const Removals& removals) {
    if (removals.packs.contains(pack.name)) {
        return;
    }
    if (places_.size() + pack.entries.size() > kPlacesMax) {
        add_to_database(pack);
        return;
    }
    auto identity = std::make_shared<PackIdentity>();
    identity->name = pack.name;
    identity->salt = pack.salt;
    identity->is_stored = true;
    for (const PackEntry& entry : pack.entries) {
        places_.emplace(entry.form.id, ChunkPlace{identity, entry});
    }
}

void ChunkIndex::add_to_database(const IndexedPack& pack) {
    try {
        if (!more_) {
            more_ = std::make_unique<LocalIndex>(std::make_unique<OwnDatabase>(std::stop_token()),
                                                 "added", random_bytes(kTagKeyBytes));
        }
        more_->add(pack);
    } catch (const OwnDatabaseError&) {
        // The temporary folder is full: these chunks are not found, which costs space.
    }
}

ChunkCopyPtr ChunkIndex::find(const ChunkId& id, HeldAs held_as) const {
    Found found;
    return find_shallower(id, held_as == HeldAs::whole_only ? 1 : kDepthMax + 1U, found);
}

ChunkCopyPtr ChunkIndex::find_shallower(const ChunkId& id, unsigned depth_below,
                                        Found& found) const {
    const auto [known, is_new] = found.try_emplace({id, depth_below});
    if (!is_new) {
        return known->second;
    }
    for (const ChunkPlace& place : places_of(id, depth_below)) {
        if (ChunkCopyPtr copy = copy_at(place, found)) {
            return found[{id, depth_below}] = std::move(copy);
        }
    }
    return nullptr;
}

/// The shallowest first.
std::vector<ChunkPlace> ChunkIndex::places_of(const ChunkId& id, unsigned depth_below) const {
    std::vector<ChunkPlace> places;
    const auto [first, last] = places_.equal_range(id);
    for (auto place = first; place != last; ++place) {
        if (place->second.entry.form.depth < depth_below) {
            places.push_back(place->second);
        }
    }
    if (more_) {
        try {
            more_->find(id, depth_below, places);
        } catch (const OwnDatabaseError&) {
            // As if it had not been added.
        }
    }
    if (shared_) {
        shared_->find(id, depth_below, places);
    }
    if (admits_) {
        std::erase_if(places,
                      [this](const ChunkPlace& place) { return !admits_(place.pack->name); });
    }
    std::stable_sort(places.begin(), places.end(),
                     [](const ChunkPlace& left, const ChunkPlace& right) {
                         return left.entry.form.depth < right.entry.form.depth;
                     });
    return places;
}

/// The copy with its closure; null when a base is not to be found.
ChunkCopyPtr ChunkIndex::copy_at(const ChunkPlace& place, Found& found) const {
    const PackEntry& entry = place.entry;
    std::vector<ChunkCopyPtr> bases;
    for (const ChunkId& id : entry.form.base_ids) {
        // A base is shallower than its delta, so this ends (docs/protocol.md).
        ChunkCopyPtr base = find_shallower(id, entry.form.depth, found);
        if (!base) {
            return nullptr;
        }
        bases.push_back(std::move(base));
    }
    return copy_in(place.pack, entry, std::move(bases));
}

ChunkIndex load_chunk_index(Repository& repository, const SourceId& source,
                            const Removals& removals, std::stop_token stop) {
    auto shared = std::make_unique<SyncedIndex>(repository, removals.indexes);
    shared->sync(stop);
    ChunkIndex index(std::move(shared), [packs = removals.packs](const PackName& name) {
        return !packs.contains(name);
    });
    load_inline_indexes(repository, source, removals, index, stop);
    return index;
}

std::size_t ChunkIndex::size() const {
    std::size_t count = places_.size();
    const auto add = [&](const PackName& name, std::uint64_t entries) {
        count += !admits_ || admits_(name) ? entries : 0;
    };
    if (more_) {
        more_->visit_packs(add);
    }
    if (shared_) {
        shared_->visit_packs(add);
    }
    return count;
}

}  // namespace dbbackup
