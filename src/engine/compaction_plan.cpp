#include "engine/compaction_plan.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

class Planner {
public:
    Planner(const CollectionView& view, const CompactionLimits& limits)
        : scratch_(view.scratch()),
          copies_(std::make_unique<ChosenCopies>(view)),
          table_(copies_->table()),
          limits_(limits),
          is_used_(scratch_, table_.chunks(), false),
          is_rewritten_(scratch_, table_.chunks(), false),
          used_bytes_(scratch_, table_.pack_count(), 0),
          is_emptied_(table_.pack_count(), false),
          plan_(scratch_) {}

    CompactionPlan plan() {
        mark_used();
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            if (is_used_[chunk] && !table_.is_needed(chunk)) {
                plan_.bytes_only_bases += copies_->of(chunk).sealed_bytes;
            }
        }
        if (limits_.rebases) {
            plan_rewrites();
            mark_used();
        }
        weigh_packs();
        choose_packs();
        plan_moves();
        if (!plan_.moves.empty() || !plan_.rewrites.empty()) {
            plan_.copies = std::move(copies_);
        }
        return std::move(plan_);
    }

private:
    using Copy = CopyTable::Copy;
    static constexpr std::uint32_t kNone = ChosenCopies::kNone;

    [[nodiscard]] bool is_usable(std::uint32_t pack) const { return copies_->usable()[pack]; }

    /// What is needed, and the bases of what is not stored anew.
    void mark_used() {
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            is_used_[chunk] = table_.is_needed(chunk) && copies_->has(chunk);
        }
        for (std::uint32_t index = static_cast<std::uint32_t>(table_.copies().size());
             index-- > 0;) {
            const Copy& copy = table_.copies()[index];
            if (copies_->is_chosen(index) && is_used_[copy.chunk] && !is_rewritten_[copy.chunk]) {
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
        ScratchArray<std::uint32_t> whole_of_root(scratch_, table_.chunks(), kNone);
        CopyTable::Depths depths(scratch_);
        depths.append(copies_->depths().span());
        for (std::uint32_t index = 0; index < table_.copies().size(); ++index) {
            const Copy& copy = table_.copies()[index];
            if (!copies_->is_chosen(index) || !table_.is_needed(copy.chunk) ||
                copy.base_count == 0 || has_needed_bases(copy)) {
                continue;
            }
            const Ancestry ancestry = ancestry_of(copy);
            std::uint32_t base = ancestry.needed;
            base = base == kNone ? whole_of_root[ancestry.root] : base;
            const std::uint64_t bytes =
                base == kNone ? copies_->of(ancestry.root).sealed_bytes : ancestry.delta_bytes;
            if (!take(bytes)) {
                continue;
            }
            Rewrite rewrite{copy.chunk, base, 0};
            if (base == kNone) {
                whole_of_root[ancestry.root] = copy.chunk;
            } else {
                rewrite.depth = static_cast<std::uint8_t>(depths[base] + 1);
            }
            depths[copy.chunk] = rewrite.depth;
            is_rewritten_[copy.chunk] = true;
            plan_.rewrites.push_back(rewrite);
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
            ancestry.delta_bytes += version->sealed_bytes;
            ancestry.root = version->bases.front();
            ancestry.needed = table_.is_needed(ancestry.root) ? ancestry.root : kNone;
            version = &copies_->of(ancestry.root);
        }
        return ancestry;
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
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            if (is_used_[chunk] && !is_rewritten_[chunk]) {
                used_bytes_[copies_->of(chunk).pack] += copies_->of(chunk).sealed_bytes;
            }
        }
    }

    void choose_packs() {
        std::uint64_t used = plan_.bytes_to_store;  // So far that is what is rewritten.
        ScratchArray<std::uint32_t> mixed(scratch_);
        for (std::uint32_t pack = 0; pack < table_.pack_count(); ++pack) {
            if (!is_usable(pack)) {
                continue;
            }
            used += used_bytes_[pack];
            if (used_bytes_[pack] == 0) {
                is_emptied_[pack] = is_wanted() && table_.state(pack).is_referred;
            } else if (const std::uint64_t unused = unused_bytes(pack); unused > 0) {
                mixed.push_back(pack);
                plan_.bytes_unused += unused;
            }
        }
        const auto used_part = [&](std::uint32_t pack) {
            return static_cast<double>(used_bytes_[pack]) /
                   static_cast<double>(copies_->chunk_bytes(pack));
        };
        std::sort(mixed.begin(), mixed.end(), [&](std::uint32_t left, std::uint32_t right) {
            return std::pair(used_part(left), left) < std::pair(used_part(right), right);
        });
        plan_.bytes_unused_after = plan_.bytes_unused;
        for (const std::uint32_t pack : mixed) {
            const double part = static_cast<double>(plan_.bytes_unused_after) /
                                static_cast<double>(plan_.bytes_unused_after + used);
            if (part > limits_.unused_part_max && take(used_bytes_[pack])) {
                plan_.bytes_unused_after -= unused_bytes(pack);
                is_emptied_[pack] = true;
            }
        }
        for (std::uint32_t pack = 0; pack < table_.pack_count(); ++pack) {
            if (is_emptied_[pack]) {
                plan_.emptied.push_back(table_.state(pack).name);
            }
        }
    }

    [[nodiscard]] std::uint64_t unused_bytes(std::uint32_t pack) const {
        const std::uint64_t all = copies_->chunk_bytes(pack);
        return all - std::min(all, used_bytes_[pack]);
    }

    void plan_moves() {
        CopyTable::PackSet stay = copies_->usable();
        for (std::uint32_t pack = 0; pack < table_.pack_count(); ++pack) {
            // One of which nothing is used goes, whether it had to be emptied or not.
            stay[pack] = stay[pack] && !is_emptied_[pack] && used_bytes_[pack] > 0;
        }
        const CopyTable::Depths depths = table_.decode(stay);
        for (std::uint32_t chunk = 0; chunk < table_.chunks(); ++chunk) {
            if (!is_used_[chunk] || is_rewritten_[chunk]) {
                continue;
            }
            const Copy& copy = copies_->of(chunk);
            // What decodes elsewhere in no more steps needs no further copy.
            if (!stay[copy.pack] && depths[chunk] > copy.depth) {
                plan_.moves.push_back({copy.pack, copy.record});
            }
        }
        std::sort(plan_.moves.begin(), plan_.moves.end(), [](const Move& left, const Move& right) {
            return std::pair(left.pack, left.record) < std::pair(right.pack, right.record);
        });
    }

    ScratchSpace& scratch_;
    std::unique_ptr<const ChosenCopies> copies_;
    const CopyTable& table_;
    const CompactionLimits& limits_;
    ScratchArray<bool> is_used_;
    ScratchArray<bool> is_rewritten_;
    ScratchArray<std::uint64_t> used_bytes_;  ///< By pack.
    std::vector<bool> is_emptied_;            ///< By pack.
    CompactionPlan plan_;
};

}  // namespace

CompactionPlan plan_compaction(const CollectionView& view, const CompactionLimits& limits) {
    return view.problems.empty() ? Planner(view, limits).plan() : CompactionPlan(view.scratch());
}

}  // namespace dbbackup
