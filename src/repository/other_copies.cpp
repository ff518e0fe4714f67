#include "repository/other_copies.hpp"

#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/damage_records.hpp"
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

}  // namespace

ChunkCopyPtr OtherCopies::find(const ChunkId& id, const PackName& missing, unsigned tried,
                               std::stop_token stop) {
    const std::lock_guard lock(mutex_);
    ChunkCopyPtr copy;
    if (index_ && tried == 0 && may_find(missing)) {
        copy = ask(id, {});
    }
    // What has gone since the last look may have been stored elsewhere since then, too.
    if (!copy && looks_ < kLooksMax) {
        look(missing, std::move(stop));
        copy = index_ && may_find(missing) ? ask(id, {}) : nullptr;
    }
    return copy;
}

ChunkCopyPtr OtherCopies::find_apart_from(const std::set<PackName>& bad, const ChunkId& id,
                                          std::stop_token stop) {
    const std::lock_guard lock(mutex_);
    if (looks_ == 0) {  // Damage does not come and go, so one look is enough.
        look(*bad.begin(), stop);
    }
    const bool may_find_any = std::any_of(bad.begin(), bad.end(),
                                          [this](const PackName& pack) { return may_find(pack); });
    if (may_find_any && !index_) {
        load(std::move(stop));
    }
    return may_find_any ? ask(id, bad) : nullptr;
}

ChunkCopyPtr OtherCopies::ask(const ChunkId& id, const std::set<PackName>& bad) {
    admitted_->bad = bad;
    admitted_->are_recorded_in = false;
    ChunkCopyPtr copy = index_->find(id, HeldAs::whole_or_delta);
    if (!copy && !admitted_->recorded.empty()) {
        admitted_->are_recorded_in = true;
        copy = index_->find(id, HeldAs::whole_or_delta);
    }
    return copy;
}

void OtherCopies::look(const PackName& missing, std::stop_token stop) {
    ++looks_;
    // Before the packs are listed: what is on a list may be gone, and is not lost.
    removed_ =
        read_readable_records(repository_.storage(), repository_.keys(), stop).removed_packs();
    admitted_->recorded = read_damage_records(repository_, stop);
    if (may_find(missing)) {
        load(std::move(stop));
    }
}

void OtherCopies::load(std::stop_token stop) {
    // What is there can be read, whoever wants to remove it.
    index_ = std::make_unique<ChunkIndex>(
        read_all_indexes(repository_, stop), [admitted = admitted_](const PackName& name) {
            return !admitted->bad.contains(name) &&
                   (admitted->are_recorded_in || !admitted->recorded.contains(name)) &&
                   std::binary_search(admitted->present.begin(), admitted->present.end(), name);
        });
    add_inline_indexes(repository_, *index_, stop);
    // Last: whatever a listed index names was stored before it.
    admitted_->present.clear();
    list_packs(repository_.storage(), admitted_->present, std::move(stop));
}

bool OtherCopies::may_find(const PackName& missing) const {
    return elsewhere_ == Elsewhere::any_pack || removed_.contains(missing) ||
           admitted_->recorded.contains(missing);
}

}  // namespace dbbackup
