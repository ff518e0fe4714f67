#include "repository/other_copies.hpp"

#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/manifest.hpp"
#include "repository/pack.hpp"
#include "repository/synced_index.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace dbbackup {
namespace {

constexpr int kListingsMax = 10;
/// Of one reader; each look reads all indexes.
constexpr unsigned kLooksMax = 8;

/// All indexes of one moment. A collector stores the merged index before it deletes those that it
/// replaces, so indexes are listed until two listings are equal: then none has gone in between.
std::unique_ptr<SyncedIndex> read_all_indexes(Repository& repository, std::stop_token stop) {
    auto index = std::make_unique<SyncedIndex>(repository, std::set<std::string>());
    std::set<std::string> names = index->sync(stop);
    for (int listing = 0; listing < kListingsMax; ++listing) {
        std::set<std::string> again = index->sync(stop);
        if (again == names) {
            break;
        }
        names = std::move(again);
    }
    return index;
}

/// Small runs keep their directory in the manifest until an index takes it over.
void add_inline_indexes(Repository& repository, ChunkIndex& index, std::stop_token stop) {
    std::vector<std::string> damaged;
    for (const SnapshotSummary& snapshot : repository.snapshots(stop, &damaged)) {
        try {
            const auto manifest = repository.manifest(snapshot.id, stop);
            for (const IndexedPack& pack : manifest->inline_index) {
                index.add(pack, {});
            }
        } catch (const Error& error) {
            repository.log().debug("a manifest's index is not used",
                                   {{"snapshot", snapshot.id}, {"error", error.what()}});
        }
    }
}

void list_packs(Storage& storage, std::vector<PackName>& packs, std::stop_token stop) {
    storage.list(
        ObjectPrefix("packs"),
        [&packs](const ObjectInfo& info) {
            if (const std::optional<PackName> pack = pack_name_of(info.name)) {
                packs.push_back(*pack);
            }
        },
        std::move(stop));
    std::sort(packs.begin(), packs.end());
}

std::unique_ptr<ChunkIndex> look_for_copies(Repository& repository, std::stop_token stop) {
    // What is there can be read, whoever wants to remove it. Shared with the function that asks,
    // which has to be there before the packs are listed.
    const auto present = std::make_shared<std::vector<PackName>>();
    auto index = std::make_unique<ChunkIndex>(
        read_all_indexes(repository, stop), [present](const PackName& name) {
            return std::binary_search(present->begin(), present->end(), name);
        });
    add_inline_indexes(repository, *index, stop);
    list_packs(repository.storage(), *present, stop);
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
