#pragma once

/// @file
/// What one exploration is about: which packs can exist, who acts, and what may go wrong.

#include "model/rules.hpp"
#include "model/state.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dbbackup::model {

/// One sealed chunk in one pack.
struct Copy {
    int chunk = 0;
    int base = -1;  ///< The chunk that it is a delta against, or -1.
    int depth = 0;  ///< 0 without a base; else larger than that of some copy of the base.
    bool damaged = false;
};

/// Everything that a pack of this name would hold, whether or not it exists yet.
using Pack = std::vector<Copy>;

/// A process that stores snapshots.
struct Writer {
    std::vector<int> runs;  ///< Slot of the first attempt, then of those after tombstones.
    ChunkSet needs = 0;     ///< The chunks of its snapshot.
    std::vector<std::vector<int>> whole;  ///< [attempt][chunk]: the pack it would store it in.
    std::vector<std::vector<int>> delta;  ///< The same as a delta, or -1; may be empty.
    bool reuses = true;                   ///< Else it stores everything anew.
    bool puts_index = false;
    int pins = -1;  ///< Else it stores no snapshot but a pin on this one.
};

/// A process that collects garbage.
struct Collector {
    int run = 0;
    ManifestSet expires = 0;      ///< What its retention removes whenever it is visible.
    int compacts = -1;            ///< The chunk that it seals anew, or -1.
    int into = -1;                ///< The pack that it goes into.
    bool resumes = false;         ///< A second process that goes on with a run from its open list.
    bool any_choice = false;      ///< It may prefer any of its candidates, not the smallest name.
    bool by_chunk = false;        ///< It chooses a pack for each chunk alone.
    bool any_candidates = false;  ///< Its marker may name any packs that it sees.
    PackSet may_name = 0xffff;    ///< ... of these.
};

/// A process that restores.
struct Reader {
    int manifest = 0;
    PackSet knows = 0;  ///< Where the manifest says that its chunks are.
};

/// A start, the actors, and what the storage may do.
struct Scenario {
    std::string name;
    std::string about;
    std::vector<Pack> packs;
    std::array<ChunkSet, kChunksMax> lists{};  ///< [c]: what chunk c names, if it is a list chunk.
    std::array<ChunkSet, kManifestsMax>
        needs{};  ///< Of those there at the start; writers add theirs.
    std::vector<Writer> writers;
    std::vector<Collector> collectors;
    std::vector<Reader> readers;
    State start{};
    bool gives_up = true;     ///< Writers may be given up while they are alive.
    bool deaths = true;       ///< Collectors may be given up, too.
    bool indexes = false;     ///< Else every pack is found, and steps about indexes are left out.
    bool by_page = false;     ///< `condemned/` and `collections/` are listed object by object.
    bool caches = false;      ///< Listings may hide what was put lately.
    bool unreadable = false;  ///< A marker may become unreadable at any time.
    bool quiet = true;        ///< Whether garbage must go once everything is quiet.
    /// Steps that do not matter when nobody writes and candidates are any: 1, 2, 4 and 5 are one
    /// with step 3, and packs and manifests are listed at once.
    bool brief = false;
    bool any_order = false;  ///< Brief collectors differ, so they may begin in any order.
    bool strict = false;     ///< One quiet collection must remove superfluous copies, too.
    bool slow = false;       ///< For the long run only.
    int collections = 0;     ///< Slots in use; the two after them are for the quiet check.
};

/// A scenario with what follows from its packs, computed once.
class World {
public:
    World(Scenario scenario, Rules rules);

    [[nodiscard]] const Scenario& scenario() const noexcept { return scenario_; }
    [[nodiscard]] const Rules& rules() const noexcept { return rules_; }

    /// The chunks that decode from these packs alone.
    [[nodiscard]] ChunkSet decodable(PackSet packs) const { return decodable_[packs]; }
    /// The same by a collector that does not look at depths, when that rule is left out.
    [[nodiscard]] ChunkSet believed_decodable(PackSet packs) const { return believed_[packs]; }
    /// The chunks that a pack holds, damaged or not.
    [[nodiscard]] ChunkSet holds(int pack) const { return holds_[static_cast<std::size_t>(pack)]; }
    /// These chunks and all that copies of them in these packs are based on.
    [[nodiscard]] ChunkSet with_bases(ChunkSet chunks, PackSet packs) const;
    /// The chunks of these manifests.
    [[nodiscard]] ChunkSet needs(ManifestSet manifests) const;
    [[nodiscard]] ChunkSet needs(int manifest) const {
        return needs_[static_cast<std::size_t>(manifest)];
    }
    /// What the pins among these protect. A pin counts as a manifest that needs nothing.
    [[nodiscard]] ManifestSet pinned_by(ManifestSet manifests) const;
    /// What was lost before the start: damaged, and no good copy anywhere.
    [[nodiscard]] ChunkSet lost() const noexcept { return lost_; }
    /// The list chunks.
    [[nodiscard]] ChunkSet list_chunks() const noexcept { return list_chunks_; }
    /// All that these list chunks name.
    [[nodiscard]] ChunkSet listed_by(ChunkSet lists) const;
    /// Whether indexes play a part.
    [[nodiscard]] bool has_indexes() const noexcept { return scenario_.indexes; }
    [[nodiscard]] int packs() const noexcept { return static_cast<int>(scenario_.packs.size()); }

private:
    [[nodiscard]] ChunkSet decode(PackSet packs, bool damaged_too, bool depths) const;

    Scenario scenario_;
    Rules rules_;
    std::vector<ChunkSet> decodable_;
    std::vector<ChunkSet> believed_;
    std::array<ChunkSet, kPacksMax> holds_{};
    std::array<ChunkSet, kManifestsMax> needs_{};
    ChunkSet lost_ = 0;
    ChunkSet list_chunks_ = 0;
};

/// One thing that can happen next.
struct Step {
    State next;
    const char* what = "";
    int actor = 0;   ///< 0-9: the process of that number; -1: the storage.
    int about = -1;  ///< What it happened to, if that says more.
};

/// What can happen next; reused between states.
using Steps = std::vector<Step>;

/// A fault that the model found.
using Fault = const char*;

}  // namespace dbbackup::model
