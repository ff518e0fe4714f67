#include "engine/index_merge.hpp"

#include "base/error.hpp"
#include "repository/index_objects.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

/// An index with fewer entries is worth merging with others.
constexpr std::size_t kSmallEntries = kIndexEntriesMax / 2;

/// By place in the view's packs.
using PackSet = std::vector<bool>;

/// What is to be written, and what that replaces.
struct Merge {
    std::vector<std::string> replaced;
    PackSet packs;
};

/// Where the packs stand that an index names.
class IndexPlaces {
public:
    explicit IndexPlaces(const CollectionView& view)
        : view_(view), places_(view.scratch(), view.directories->size(), kGone) {
        for (std::uint32_t place = 0; place < view.packs.size(); ++place) {
            if (view.packs[place].has_directory()) {
                places_[view.packs[place].directory] = place;
            }
        }
    }

    /// Calls `use(place)` for each pack of `index` until that says no; packs that have gone have
    /// the place `kGone`. False: it said no.
    template <class Use>
    bool all_of(const KnownIndex& index, const Use& use) const {
        const auto packs = view_.directories->packs(index);
        return std::all_of(packs.begin(), packs.end(),
                           [&](std::uint32_t pack) { return use(places_[pack]); });
    }

    void mark(const KnownIndex& index, PackSet& packs) const {
        all_of(index, [&packs](std::uint32_t place) {
            packs[place] = true;
            return true;
        });
    }

    static constexpr std::uint32_t kGone = ~std::uint32_t{0};

private:
    const CollectionView& view_;
    ScratchArray<std::uint32_t> places_;  ///< By number of the directory.
};

Merge plan_merge(const CollectionView& view, const PackSet& going) {
    Merge merge;
    const IndexPlaces places(view);
    PackSet named(view.packs.size());  // By an index that stays.
    std::vector<const KnownIndex*> small;
    for (const KnownIndex& index : view.indexes) {
        const bool is_current = places.all_of(index, [&](std::uint32_t place) {
            return place != IndexPlaces::kGone && !going[place] && !named[place];
        });
        if (!is_current) {
            merge.replaced.push_back(index.name);
        } else if (index.entry_count < kSmallEntries) {
            small.push_back(&index);
        } else {
            places.mark(index, named);
        }
    }
    bool is_any_unindexed = false;
    for (std::size_t place = 0; place < view.packs.size(); ++place) {
        const PackState& pack = view.packs[place];
        is_any_unindexed =
            is_any_unindexed || (!pack.is_indexed && pack.has_directory() && !going[place]);
    }
    const bool merges_small = !merge.replaced.empty() || small.size() > 1 || is_any_unindexed;
    for (const KnownIndex* const index : small) {
        if (merges_small) {
            merge.replaced.push_back(index->name);
        } else {
            places.mark(*index, named);
        }
    }
    merge.replaced.insert(merge.replaced.end(), view.damaged_indexes.begin(),
                          view.damaged_indexes.end());
    merge.packs.resize(view.packs.size());
    for (std::size_t place = 0; place < view.packs.size(); ++place) {
        merge.packs[place] = view.packs[place].has_directory() && !going[place] && !named[place];
    }
    return merge;
}

void put_indexes(Repository& repository, const CollectionView& view, const PackSet& packs,
                 std::stop_token stop) {
    IndexObjectWriter writer(repository, std::move(stop));
    for (std::size_t place = 0; place < packs.size(); ++place) {
        if (packs[place]) {
            writer.add(view.directories->indexed(view.packs[place].directory));
        }
    }
    writer.finish();
}

/// Whether some snapshot says that a part of it lies in a pack that goes or has gone, so that only
/// an index tells where else, and a pack that stays is in none.
bool needs_indexes(const CollectionView& view, const PackSet& going) {
    bool are_all_indexed = true;
    bool is_any_referred_gone = view.is_any_referred_gone;
    for (std::size_t place = 0; place < view.packs.size(); ++place) {
        const PackState& pack = view.packs[place];
        are_all_indexed = are_all_indexed && (pack.is_indexed || going[place]);
        is_any_referred_gone = is_any_referred_gone || (pack.is_referred && going[place]);
    }
    return !are_all_indexed && is_any_referred_gone;
}

}  // namespace

std::vector<std::string> merge_indexes(Repository& repository, const CollectionView& view,
                                       const std::vector<PackName>& going, std::stop_token stop) {
    PackSet places(view.packs.size());
    for (const PackName& pack : going) {
        places[view.place_of(pack).value()] = true;
    }
    Merge merge = plan_merge(view, places);
    try {
        put_indexes(repository, view, merge.packs, std::move(stop));
    } catch (const StorageError& error) {
        if (needs_indexes(view, places)) {
            throw;
        }
        repository.log().warning("the indexes are not merged this time", {{"error", error.what()}});
        return {};
    }
    return std::move(merge.replaced);
}

}  // namespace dbbackup
