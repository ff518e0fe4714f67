/// @file
/// Scenarios about what storage does: indexes, caches, damage, locks; and readers.

#include "model/scenarios.hpp"

namespace dbbackup::model {
namespace {

constexpr Copy kA{.chunk = 0};
constexpr Copy kB{.chunk = 1};
constexpr Copy kABad{.chunk = 0, .damaged = true};
constexpr Copy kBBad{.chunk = 1, .damaged = true};

Writer of(int run, ChunkSet needs, std::vector<int> packs) {
    Writer writer;
    writer.runs = {run};
    writer.needs = needs;
    packs.resize(kChunksMax, packs.front());
    writer.whole.push_back(std::move(packs));
    return writer;
}

void indexes(std::vector<Scenario>& all) {
    const auto indexed = [](Scenario& it) {
        it.indexes = true;
        it.start.indexes = bit<IndexSet>(7);
        it.start.index_covers[7] = it.start.packs;
        it.start.packs_indexed = it.start.packs;
    };
    Writer writer = of(0, 0b1, {2});
    writer.puts_index = true;
    all.push_back(Build("index merges", "two collectors merge what a writer adds to")
                      .pack({kA})
                      .pack({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .writer(writer)
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .with(indexed)
                      .with([](Scenario& it) { it.deaths = false; })
                      .done());
    writer.reuses = false;
    all.push_back(Build("index merges and new packs", "the writer stores all it needs itself")
                      .pack({kB})
                      .place({kB})
                      .place({kA})
                      .snapshot(4, 0b10)
                      .writer(writer)
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .with(indexed)
                      .with([](Scenario& it) { it.deaths = false; })
                      .done());
    all.push_back(Build("a restore during compactions", "its chunk moves twice while it reads")
                      .pack({kA})
                      .place({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .compacts = 0, .into = 1})
                      .collector({.run = 1, .compacts = 0, .into = 2})
                      .with(indexed)
                      .with([](Scenario& it) {
                          it.readers.push_back({.manifest = 4, .knows = 0b1});
                          it.start.actors[2].blocked = 0b1;
                          it.start.actors[2].packs = 0b1;
                          it.quiet = false;
                          it.deaths = false;
                      })
                      .done());
    all.push_back(Build("a restore of what expires", "its snapshot is removed while it reads")
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .expires = bit<ManifestSet>(4)})
                      .with(indexed)
                      .with([](Scenario& it) {
                          it.readers.push_back({.manifest = 4, .knows = 0b1});
                          it.start.actors[1].blocked = 0b1;
                          it.start.actors[1].packs = 0b1;
                          it.quiet = false;
                      })
                      .done());
}

void caches(std::vector<Scenario>& all) {
    const auto cached = [](Scenario& it) {
        it.caches = true;
        it.deaths = false;
    };
    all.push_back(Build("stale listings", "of runs, markers, outcomes and manifests")
                      .pack({kA})
                      .place({kA})
                      .writer(of(0, 0b1, {1}))
                      .collector({.run = 0})
                      .with(cached)
                      .done());
    all.push_back(Build("stale listings, two collectors", "and two copies, any markers")
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .with(cached)
                      .done());
}

void unreadable_markers(std::vector<Scenario>& all) {
    const auto unreadable = [](Scenario& it) {
        it.unreadable = true;
        it.quiet = false;
        it.deaths = false;
    };
    all.push_back(Build("an unreadable marker, a writer", "at any time any marker may decay")
                      .pack({kA})
                      .place({kA})
                      .writer(of(0, 0b1, {1}))
                      .collector({.run = 0})
                      .with(unreadable)
                      .done());
    all.push_back(Build("an unreadable marker, two collectors", "and two copies")
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .with(unreadable)
                      .done());
}

void damage(std::vector<Scenario>& all) {
    all.push_back(Build("a lost chunk", "b is damaged everywhere, a is whole once")
                      .pack({kABad})
                      .pack({kA})
                      .pack({kBBad})
                      .place({kB})
                      .snapshot(4, 0b11)
                      .writer(of(0, 0b10, {3}))
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .done());
    all.push_back(Build("a lost list chunk", "nobody knows that it names b")
                      .pack({kABad})
                      .pack({kB})
                      .place({kA})
                      .place({kB})
                      .snapshot(4, 0b11)
                      .writer([] {
                          Writer repair = of(0, 0b11, {2, 3});
                          return repair;
                      }())
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .with([](Scenario& it) { it.lists[0] = 0b10; })
                      .done());
    all.push_back(
        Build("a list chunk and what it names", "the list may be reused, what it names not")
            .pack({kA})
            .pack({kB})
            .place({kB})
            .place({kA})
            .snapshot(4, 0b11)
            .writer(of(0, 0b11, {3, 2}))
            .writer(of(1, 0b1, {3}))
            .collector({.run = 0, .expires = bit<ManifestSet>(4)})
            .with([](Scenario& it) { it.lists[0] = 0b10; })
            .done());
}

void locks(std::vector<Scenario>& all) {
    all.push_back(Build("an object lock", "packs cannot be deleted until it ends")
                      .pack({kA})
                      .place({kA})
                      .writer(of(0, 0b1, {1}))
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .with([](Scenario& it) { it.start.locked = 0b1; })
                      .done());
    all.push_back(Build("an object lock on a copy", "what was removed is still there to be seen")
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .with([](Scenario& it) {
                          it.start.locked = 0b11;
                          it.deaths = false;
                          it.brief = true;
                          it.quiet = false;
                      })
                      .done());
}

}  // namespace

std::vector<Scenario> storage_scenarios() {
    std::vector<Scenario> all;
    indexes(all);
    caches(all);
    unreadable_markers(all);
    damage(all);
    locks(all);
    return all;
}

}  // namespace dbbackup::model
