#include "repository/chunk_index.hpp"

#include "base/error.hpp"
#include "repository/manifest.hpp"
#include "repository/record.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

/// Small runs keep their directory in the manifest. Older ones than this are left to merged
/// indexes; a chunk that is not found costs space, never safety.
constexpr std::size_t kManifestsMax = 32;

void load_index_objects(Repository& repository, const Removals& removals, ChunkIndex& index,
                        std::stop_token stop) {
    std::vector<ObjectName> names;
    repository.storage().list(
        ObjectPrefix("indexes"),
        [&](const ObjectInfo& info) {
            if (!removals.indexes.contains(info.name.text())) {
                names.push_back(info.name);
            }
        },
        stop);
    for (const ObjectName& name : names) {
        const std::optional<Bytes> object = repository.storage().get(name, stop);
        if (!object) {
            continue;  // A collector merged it into another one meanwhile.
        }
        try {
            const Record record = decode_record(repository.keys(), name, *object);
            for (const Bytes& section : record.sections) {
                for (const IndexedPack& pack : decode_index(section)) {
                    index.add(pack, removals);
                }
            }
        } catch (const CorruptionError& error) {
            repository.log().warning("an index cannot be read; chunks may be stored again",
                                     {{"object", name.text()}, {"error", error.what()}});
        }
    }
}

void load_inline_indexes(Repository& repository, const SourceId& source, const Removals& removals,
                         ChunkIndex& index, std::stop_token stop) {
    std::vector<SnapshotSummary> snapshots = repository.snapshots_of(source, stop);
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

void ChunkIndex::add(const IndexedPack& pack, const Removals& removals) {
    if (removals.packs.contains(pack.name)) {
        return;
    }
    auto identity = std::make_shared<PackIdentity>();
    identity->name = pack.name;
    identity->salt = pack.salt;
    identity->is_stored = true;
    for (const PackEntry& entry : pack.entries) {
        places_.emplace(entry.form.id, Place{identity, entry});
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
    const auto [first, last] = places_.equal_range(id);
    std::vector<const Place*> places;
    for (auto place = first; place != last; ++place) {
        if (place->second.entry.form.depth < depth_below) {
            places.push_back(&place->second);
        }
    }
    std::sort(places.begin(), places.end(), [](const Place* left, const Place* right) {
        return left->entry.form.depth < right->entry.form.depth;
    });
    for (const Place* place : places) {
        if (ChunkCopyPtr copy = copy_at(*place, found)) {
            return found[{id, depth_below}] = std::move(copy);
        }
    }
    return nullptr;
}

/// The copy with its closure; null when a base is not to be found.
ChunkCopyPtr ChunkIndex::copy_at(const Place& place, Found& found) const {
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
    ChunkIndex index;
    load_index_objects(repository, removals, index, stop);
    load_inline_indexes(repository, source, removals, index, stop);
    return index;
}

}  // namespace dbbackup
