#include "repository/other_copies.hpp"

#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/index_objects.hpp"
#include "repository/manifest.hpp"
#include "storage/listing.hpp"

#include <set>
#include <vector>

namespace dbbackup {
namespace {

constexpr int kListingsMax = 10;
/// Of one reader; each look reads all indexes.
constexpr unsigned kLooksMax = 8;

std::set<ObjectName> set_below(Repository& repository, const char* folder, std::stop_token stop) {
    const std::vector<ObjectName> names =
        names_below(repository.storage(), folder, std::move(stop));
    return {names.begin(), names.end()};
}

/// All indexes of one moment. A collector stores the merged index before it deletes those that it
/// replaces, so indexes are listed until two listings are equal: then none has gone in between.
std::vector<IndexedPack> read_all_indexes(Repository& repository, std::stop_token stop) {
    std::set<ObjectName> names = set_below(repository, "indexes", stop);
    for (int listing = 0;; ++listing) {
        std::vector<IndexedPack> packs;
        for (const ObjectName& name : names) {
            try {
                if (const auto index = read_index_object(repository, name, stop)) {
                    packs.insert(packs.end(), index->packs.begin(), index->packs.end());
                }
            } catch (const CorruptionError& error) {
                repository.log().warning("an index cannot be read",
                                         {{"object", name.text()}, {"error", error.what()}});
            }
        }
        std::set<ObjectName> again = set_below(repository, "indexes", stop);
        if (again == names || listing == kListingsMax) {
            return packs;
        }
        names = std::move(again);
    }
}

/// Small runs keep their directory in the manifest until an index takes it over.
void add_inline_indexes(Repository& repository, std::vector<IndexedPack>& packs,
                        std::stop_token stop) {
    std::vector<std::string> damaged;
    for (const SnapshotSummary& snapshot : repository.snapshots(stop, &damaged)) {
        try {
            const auto manifest = repository.manifest(snapshot.id, stop);
            packs.insert(packs.end(), manifest->inline_index.begin(), manifest->inline_index.end());
        } catch (const Error& error) {
            repository.log().debug("a manifest's index is not used",
                                   {{"snapshot", snapshot.id}, {"error", error.what()}});
        }
    }
}

std::unique_ptr<ChunkIndex> look_for_copies(Repository& repository, std::stop_token stop) {
    std::vector<IndexedPack> packs = read_all_indexes(repository, stop);
    add_inline_indexes(repository, packs, stop);
    // What is there can be read, whoever wants to remove it.
    const std::set<ObjectName> present = set_below(repository, "packs", stop);
    auto index = std::make_unique<ChunkIndex>();
    std::set<PackName> added;
    for (const IndexedPack& pack : packs) {
        if (present.contains(pack_object_name(pack.name)) && added.insert(pack.name).second) {
            index->add(pack, {});
        }
    }
    return index;
}

}  // namespace

ChunkCopyPtr OtherCopies::find(const ChunkId& id, const PackName& missing, unsigned tried,
                               std::stop_token stop) {
    const std::lock_guard lock(mutex_);
    ChunkCopyPtr copy;
    if (index_ && tried == 0 && may_find(missing)) {
        copy = index_->find(id, HeldAs::whole_or_delta);
    }
    // What has gone since the last look may have been stored elsewhere since then, too.
    if (!copy && looks_ < kLooksMax) {
        look(missing, std::move(stop));
        copy = index_ && may_find(missing) ? index_->find(id, HeldAs::whole_or_delta) : nullptr;
    }
    return copy;
}

void OtherCopies::look(const PackName& missing, std::stop_token stop) {
    ++looks_;
    // Before the packs are listed: what is on a list may be gone, and is not lost.
    removed_ =
        read_readable_records(repository_.storage(), repository_.keys(), stop).removed_packs();
    if (may_find(missing)) {
        index_ = look_for_copies(repository_, std::move(stop));
    }
}

bool OtherCopies::may_find(const PackName& missing) const {
    return elsewhere_ == Elsewhere::any_pack || removed_.contains(missing);
}

}  // namespace dbbackup
