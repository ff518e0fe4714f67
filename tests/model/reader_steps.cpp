/// @file
/// Restoring while packs go (docs/protocol.md, "Reading").

#include "model/steps.hpp"

#include <cstddef>

namespace dbbackup::model {
namespace {

PackSet indexed(const State& state) {
    PackSet packs = 0;
    for (int index = 0; index < 16; ++index) {
        if (has(state.indexes, index)) {
            add(packs, state.index_covers[static_cast<std::size_t>(index)]);
        }
    }
    return packs;
}

/// The chunk that is read next: bases and lists come first, since they have smaller numbers.
int next_chunk(ChunkSet left) {
    int chunk = 0;
    while (!has(left, chunk)) {
        ++chunk;
    }
    return chunk;
}

}  // namespace

// Actor::packs says which chunks are still to be read, blocked where packs are looked for, indexes
// and seen_lists what the last listing showed, page whether there was one.
void reader_steps(const World& world, const State& state, int actor, Steps& steps) {
    const auto first = world.scenario().writers.size() + world.scenario().collectors.size();
    const Reader& reader = world.scenario().readers[static_cast<std::size_t>(actor) - first];
    State next = state;
    Actor& self = next.actors[static_cast<std::size_t>(actor)];
    const char* what = "reads a chunk";
    switch (self.step) {
        case reading::read: {
            const int chunk = next_chunk(static_cast<ChunkSet>(self.packs));
            if (has(world.decodable(static_cast<PackSet>(self.blocked & state.packs)), chunk)) {
                take(self.packs, bit(chunk));
                if (self.packs == 0) {
                    self = Actor{};
                    self.step = reading::restored;
                }
                break;
            }
            what = "does not find a pack";
            const bool again = world.rules().keep(Rule::reader_lists_again);
            self.step = (self.page >= 2 && !again) ? reading::damaged : reading::indexes;
            break;
        }
        case reading::indexes: {
            what = "lists indexes/";
            // What was listed before is compared with this.
            const bool same = self.page != 0 && self.indexes == state.indexes;
            self.merged = same ? 1 : 0;
            self.indexes = state.indexes;
            self.blocked = indexed(state);
            self.step = reading::lists;
            break;
        }
        case reading::lists: {
            what = "lists collections/";
            const bool same = self.merged != 0 && self.seen_lists == state.outcomes;
            self.seen_lists = state.outcomes;
            self.merged = 0;
            const bool removed = has(all_listed(state, state.outcomes).manifests, reader.manifest);
            if (removed && world.rules().keep(Rule::reader_checks_removed)) {
                self.step = reading::refused;
            } else if (world.rules().keep(Rule::reader_lists_again)) {
                self.step = same ? reading::damaged : reading::read;
                self.page = 1;
            } else {
                // Two equal listings, and then one attempt.
                self.page = same ? 2 : 1;
                self.step = same ? reading::read : reading::indexes;
            }
            break;
        }
        default: return;
    }
    if (self.step >= reading::restored) {
        const std::uint8_t point = self.step;
        self = Actor{};
        self.step = point;
    }
    steps.push_back({next, what, actor, -1});
}

}  // namespace dbbackup::model
