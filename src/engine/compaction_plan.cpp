#include "engine/compaction_plan.hpp"

#include "engine/copy_table.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace dbbackup {
namespace {

class Planner {
public:
    Planner(const CollectionView& view, const CompactionLimits& limits)
        : table_(view), limits_(limits), usable_(table_.sound_packs()) {
        const std::set<PackName> condemned = view.records.condemned_by_others("");
        for (std::size_t pack = 0; pack < usable_.size(); ++pack) {
            usable_[pack] = usable_[pack] && !condemned.contains(table_.packs()[pack]);
        }
    }

    CompactionPlan plan() {
        choose_copies();
        mark_used();
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            if (is_used_[chunk] && !table_.is_needed(chunk)) {
                plan_.bytes_only_bases += copy_of(chunk).entry->sealed_bytes;
            }
        }
        if (limits_.rebases) {
            plan_rewrites();
            mark_used();
        }
        weigh_packs();
        choose_packs();
        plan_moves();
        return std::move(plan_);
    }

private:
    using Copy = CopyTable::Copy;
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    [[nodiscard]] const Copy& copy_of(std::uint32_t chunk) const {
        return table_.copies()[chosen_[chunk]];
    }
    [[nodiscard]] bool has_copy(std::uint32_t chunk) const { return chosen_[chunk] != kNone; }

    /// How much of each pack somebody may need.
    [[nodiscard]] std::vector<double> worths() const {
        std::vector<double> worths(usable_.size(), 0);
        for (const Copy& copy : table_.copies()) {
            worths[copy.pack] += copy.entry->sealed_bytes;
        }
        for (std::size_t pack = 0; pack < worths.size(); ++pack) {
            worths[pack] /= static_cast<double>(std::max<std::uint64_t>(entry_bytes(pack), 1));
        }
        return worths;
    }

    [[nodiscard]] std::uint64_t entry_bytes(std::size_t pack) const {
        std::uint64_t bytes = 0;
        if (const auto& directory = table_.state(pack).directory) {
            for (const PackEntry& entry : directory->entries) {
                bytes += entry.sealed_bytes;
            }
        }
        return bytes;
    }

    [[nodiscard]] bool is_referred(std::uint32_t pack) const {
        return table_.view().referred.contains(table_.packs()[pack]);
    }

    void choose_copies() {
        const std::vector<double> worths = this->worths();
        depths_ = table_.decode(usable_);
        chosen_.assign(table_.chunks(), kNone);
        for (std::uint32_t index = 0; index < table_.copies().size(); ++index) {
            const Copy& copy = table_.copies()[index];
            if (!usable_[copy.pack] || copy.depth != depths_[copy.chunk] ||
                !CopyTable::has_bases(copy, depths_)) {
                continue;
            }
            std::uint32_t& chosen = chosen_[copy.chunk];
            const auto rank = [&](std::uint32_t pack) {
                // Of equals the one that snapshots refer to: it is found without an index.
                return std::tuple(-worths[pack], !is_referred(pack), pack);
            };
            if (chosen == kNone || rank(copy.pack) < rank(table_.copies()[chosen].pack)) {
                chosen = index;
            }
        }
        is_rewritten_.assign(table_.chunks(), false);
    }

    /// What is needed, and the bases of what is not stored anew.
    void mark_used() {
        is_used_.assign(table_.chunks(), false);
        for (std::uint32_t chunk = 0; chunk < table_.chunks() && table_.is_needed(chunk); ++chunk) {
            is_used_[chunk] = has_copy(chunk);
        }
        for (std::uint32_t index = static_cast<std::uint32_t>(table_.copies().size());
             index-- > 0;) {
            const Copy& copy = table_.copies()[index];
            if (chosen_[copy.chunk] == index && is_used_[copy.chunk] &&
                !is_rewritten_[copy.chunk]) {
                for (std::size_t base = 0; base < copy.base_count; ++base) {
                    is_used_[copy.bases.at(base)] = true;
                }
            }
        }
    }

    // --- rewrites
    // ---------------------------------------------------------------------------------

    /// Of each delta on what nobody needs: the nearest version before it that somebody needs
    /// becomes its base. Where there is none, the first version of the place is stored whole, and
    /// the others become deltas on that.
    void plan_rewrites() {
        std::unordered_map<std::uint32_t, std::uint32_t> whole_of_root;
        std::vector<std::uint8_t> depths = depths_;
        for (std::uint32_t index = 0; index < table_.copies().size(); ++index) {
            const Copy& copy = table_.copies()[index];
            if (chosen_[copy.chunk] != index || !table_.is_needed(copy.chunk) ||
                copy.base_count == 0 || has_needed_bases(copy)) {
                continue;
            }
            const Ancestry ancestry = ancestry_of(copy);
            std::uint32_t base = ancestry.needed;
            if (base == kNone) {
                const auto [whole, is_first] = whole_of_root.try_emplace(ancestry.root, copy.chunk);
                base = is_first ? kNone : whole->second;
            }
            const std::uint64_t bytes =
                base == kNone ? copy_of(ancestry.root).entry->sealed_bytes : ancestry.delta_bytes;
            if (!take(bytes)) {
                if (base == kNone) {
                    whole_of_root.erase(ancestry.root);
                }
                continue;
            }
            Rewrite rewrite;
            rewrite.copy = full_copy(copy.chunk);
            if (base != kNone) {
                rewrite.base = full_copy(base);
                rewrite.depth = static_cast<std::uint8_t>(depths[base] + 1);
            }
            depths[copy.chunk] = rewrite.depth;
            is_rewritten_[copy.chunk] = true;
            plan_.rewrites.push_back(std::move(rewrite));
        }
    }

    [[nodiscard]] bool has_needed_bases(const Copy& copy) const {
        return std::all_of(copy.bases.begin(), copy.bases.begin() + copy.base_count,
                           [this](std::uint32_t base) { return table_.is_needed(base); });
    }

    struct Ancestry {
        std::uint32_t needed = kNone;   ///< The nearest one that somebody needs.
        std::uint32_t root = kNone;     ///< The last one looked at.
        std::uint64_t delta_bytes = 0;  ///< From there on.
    };
    [[nodiscard]] Ancestry ancestry_of(const Copy& copy) const {
        Ancestry ancestry;
        const Copy* version = &copy;
        while (version->base_count > 0 && ancestry.needed == kNone) {
            ancestry.delta_bytes += version->entry->sealed_bytes;
            ancestry.root = version->bases.front();
            ancestry.needed = table_.is_needed(ancestry.root) ? ancestry.root : kNone;
            version = &copy_of(ancestry.root);
        }
        return ancestry;
    }

    /// The chosen copy with its closure, as a reader takes it.
    ChunkCopyPtr full_copy(std::uint32_t chunk) {
        ChunkCopyPtr& known = full_copies_[chunk];
        if (!known) {
            const Copy& copy = copy_of(chunk);
            std::vector<ChunkCopyPtr> bases;
            for (std::size_t base = 0; base < copy.base_count; ++base) {
                bases.push_back(full_copy(copy.bases.at(base)));
            }
            full_copies_[chunk] = copy_in(identity_of(copy.pack), *copy.entry, std::move(bases));
        }
        return full_copies_[chunk];
    }

    std::shared_ptr<const PackIdentity> identity_of(std::uint32_t pack) {
        std::shared_ptr<PackIdentity>& identity = identities_[pack];
        if (!identity) {
            identity = std::make_shared<PackIdentity>();
            identity->name = table_.packs()[pack];
            identity->salt = table_.state(pack).directory->salt;
            identity->is_stored = true;
        }
        return identity;
    }

    /// Whether so much more may be stored; then it counts as stored.
    bool take(std::uint64_t bytes) {
        const bool may = !limits_.bytes_max || plan_.bytes_to_store + bytes <= *limits_.bytes_max;
        plan_.bytes_to_store += may ? bytes : 0;
        return may;
    }

    // --- moves
    // ------------------------------------------------------------------------------------

    [[nodiscard]] bool is_wanted() const { return limits_.rebases || limits_.unused_part_max < 1; }

    void weigh_packs() {
        used_bytes_.assign(usable_.size(), 0);
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            if (is_used_[chunk] && !is_rewritten_[chunk]) {
                used_bytes_[copy_of(chunk).pack] += copy_of(chunk).entry->sealed_bytes;
            }
        }
    }

    void choose_packs() {
        std::uint64_t used = plan_.bytes_to_store;  // So far that is what is rewritten.
        std::vector<std::uint32_t> mixed;
        std::vector<std::uint64_t> all(usable_.size(), 0);
        for (std::uint32_t pack = 0; pack < usable_.size(); ++pack) {
            if (!usable_[pack]) {
                continue;
            }
            all[pack] = entry_bytes(pack);
            used += used_bytes_[pack];
            if (used_bytes_[pack] == 0) {
                if (is_wanted() && is_referred(pack)) {
                    plan_.emptied.insert(table_.packs()[pack]);
                }
            } else if (used_bytes_[pack] < all[pack]) {
                mixed.push_back(pack);
                plan_.bytes_unused += all[pack] - used_bytes_[pack];
            }
        }
        const auto used_part = [&](std::uint32_t pack) {
            return static_cast<double>(used_bytes_[pack]) / static_cast<double>(all[pack]);
        };
        std::sort(mixed.begin(), mixed.end(), [&](std::uint32_t left, std::uint32_t right) {
            return std::pair(used_part(left), left) < std::pair(used_part(right), right);
        });
        plan_.bytes_unused_after = plan_.bytes_unused;
        for (const std::uint32_t pack : mixed) {
            const double part = static_cast<double>(plan_.bytes_unused_after) /
                                static_cast<double>(plan_.bytes_unused_after + used);
            if (part > limits_.unused_part_max && take(used_bytes_[pack])) {
                plan_.bytes_unused_after -= all[pack] - used_bytes_[pack];
                plan_.emptied.insert(table_.packs()[pack]);
            }
        }
    }

    void plan_moves() {
        CopyTable::PackSet stay = usable_;
        for (std::uint32_t pack = 0; pack < stay.size(); ++pack) {
            stay[pack] = stay[pack] && !plan_.emptied.contains(table_.packs()[pack]);
        }
        const CopyTable::Depths depths = table_.decode(stay);
        std::map<std::uint32_t, PackMoves> moves;
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            if (!is_used_[chunk] || is_rewritten_[chunk]) {
                continue;
            }
            const Copy& copy = copy_of(chunk);
            // What decodes elsewhere in no more steps needs no further copy.
            if (!stay[copy.pack] && depths[chunk] > copy.depth) {
                PackMoves& of_pack = moves[copy.pack];
                of_pack.from = identity_of(copy.pack);
                of_pack.entries.push_back(copy.entry);
            }
        }
        for (auto& [pack, of_pack] : moves) {
            std::sort(of_pack.entries.begin(), of_pack.entries.end(),
                      [](const PackEntry* left, const PackEntry* right) {
                          return left->offset_bytes < right->offset_bytes;
                      });
            plan_.moves.push_back(std::move(of_pack));
        }
    }

    CopyTable table_;
    const CompactionLimits& limits_;
    CopyTable::PackSet usable_;  ///< Sound, and no other collection wants to remove it.
    CopyTable::Depths depths_;
    std::vector<std::uint32_t> chosen_;  ///< By chunk: place in the table's copies.
    std::vector<bool> is_used_;
    std::vector<bool> is_rewritten_;
    std::vector<std::uint64_t> used_bytes_;  ///< By pack.
    std::unordered_map<std::uint32_t, ChunkCopyPtr> full_copies_;
    std::map<std::uint32_t, std::shared_ptr<PackIdentity>> identities_;
    CompactionPlan plan_;
};

}  // namespace

CompactionPlan plan_compaction(const CollectionView& view, const CompactionLimits& limits) {
    return view.problems.empty() ? Planner(view, limits).plan() : CompactionPlan();
}

}  // namespace dbbackup
