#include "engine/index_merge.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

/// An index with fewer entries is worth merging with others.
constexpr std::size_t kSmallEntries = kIndexEntriesMax / 2;

/// What is to be written, and what that replaces.
struct Merge {
    std::vector<std::string> replaced;
    std::vector<const IndexedPack*> packs;
};

Merge plan_merge(const CollectionView& view, const std::set<PackName>& going) {
    Merge merge;
    std::set<PackName> named;  // By an index that stays.
    std::vector<const IndexObject*> small;
    const auto replace = [&merge](const IndexObject& index) {
        merge.replaced.push_back(index.name.text());
    };
    for (const auto& index : view.indexes) {
        const bool is_current =
            std::all_of(index->packs.begin(), index->packs.end(), [&](const IndexedPack& pack) {
                return view.packs.contains(pack.name) && !going.contains(pack.name) &&
                       !named.contains(pack.name);
            });
        if (!is_current) {
            replace(*index);
        } else if (entry_count(index->packs) < kSmallEntries) {
            small.push_back(index.get());
        } else {
            for (const IndexedPack& pack : index->packs) {
                named.insert(pack.name);
            }
        }
    }
    const bool is_any_unindexed =
        std::any_of(view.packs.begin(), view.packs.end(), [&](const auto& each) {
            return !each.second.is_indexed && each.second.directory && !going.contains(each.first);
        });
    if (!merge.replaced.empty() || small.size() > 1 || is_any_unindexed) {
        for (const IndexObject* const index : small) {
            replace(*index);
        }
    } else {
        for (const IndexObject* const index : small) {
            for (const IndexedPack& pack : index->packs) {
                named.insert(pack.name);
            }
        }
    }
    merge.replaced.insert(merge.replaced.end(), view.damaged_indexes.begin(),
                          view.damaged_indexes.end());
    for (const auto& [name, state] : view.packs) {
        if (state.directory && !going.contains(name) && !named.contains(name)) {
            merge.packs.push_back(state.directory.get());
        }
    }
    return merge;
}

void put_indexes(Repository& repository, const std::vector<const IndexedPack*>& packs,
                 const std::stop_token& stop) {
    std::vector<IndexedPack> next;
    std::size_t entries = 0;
    const auto put = [&] {
        if (!next.empty()) {
            const ObjectName name = index_object_name();
            repository.storage().put(name, encode_index_object(repository, name, next), stop);
        }
        next.clear();
        entries = 0;
    };
    for (const IndexedPack* const pack : packs) {
        if (entries + pack->entries.size() > kIndexEntriesMax) {
            put();
        }
        next.push_back(*pack);
        entries += pack->entries.size();
    }
    put();
}

/// Whether some snapshot says that a part of it lies in a pack that goes or has gone, so that only
/// an index tells where else, and a pack that stays is in none.
bool needs_indexes(const CollectionView& view, const std::set<PackName>& going) {
    const bool are_all_indexed = std::all_of(
        view.packs.begin(), view.packs.end(),
        [&](const auto& pack) { return pack.second.is_indexed || going.contains(pack.first); });
    return !are_all_indexed &&
           std::any_of(view.referred.begin(), view.referred.end(), [&](const PackName& pack) {
               return going.contains(pack) || !view.packs.contains(pack);
           });
}

}  // namespace

std::vector<std::string> merge_indexes(Repository& repository, const CollectionView& view,
                                       const std::set<PackName>& going, std::stop_token stop) {
    Merge merge = plan_merge(view, going);
    try {
        put_indexes(repository, merge.packs, stop);
    } catch (const StorageError& error) {
        if (needs_indexes(view, going)) {
            throw;
        }
        repository.log().warning("the indexes are not merged this time", {{"error", error.what()}});
        return {};
    }
    return std::move(merge.replaced);
}

}  // namespace dbbackup
