/// @file
/// How scenarios are built, and those about writers.

#include "model/scenarios.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dbbackup::model {

Build::Build(std::string name, std::string about) {
    scenario_.name = std::move(name);
    scenario_.about = std::move(about);
}

Build& Build::pack(Pack pack) {
    add(scenario_.start.packs, bit(static_cast<int>(scenario_.packs.size())));
    scenario_.start.packs_put = scenario_.start.packs;
    return place(std::move(pack));
}

Build& Build::place(Pack pack) {
    scenario_.packs.push_back(std::move(pack));
    return *this;
}

Build& Build::snapshot(int manifest, ChunkSet needs) {
    scenario_.needs[static_cast<std::size_t>(manifest)] = needs;
    add(scenario_.start.manifests, bit<ManifestSet>(manifest));
    add(scenario_.start.manifests_put, bit<ManifestSet>(manifest));
    return *this;
}

Build& Build::writer(Writer writer) {
    scenario_.writers.push_back(std::move(writer));
    return *this;
}

Build& Build::collector(Collector collector) {
    scenario_.collections = std::max(scenario_.collections, collector.run + 1);
    scenario_.collectors.push_back(collector);
    return *this;
}

Scenario Build::done() { return std::move(scenario_); }

namespace {

/// A writer that needs one chunk and has a pack for it in each attempt.
Writer of_one(std::vector<int> runs, int chunk, const std::vector<int>& packs) {
    Writer writer;
    writer.runs = std::move(runs);
    writer.needs = bit<ChunkSet>(chunk);
    for (const int pack : packs) {
        writer.whole.emplace_back(kChunksMax, pack);
    }
    return writer;
}

constexpr Copy kA{.chunk = 0};
constexpr Copy kB{.chunk = 1};
constexpr Copy kBOnA{.chunk = 1, .base = 0, .depth = 1};
constexpr Copy kCOnB{.chunk = 2, .base = 1, .depth = 2};

void deltas(std::vector<Scenario>& all) {
    Writer delta = of_one({0}, 1, {3});
    delta.delta = {{-1, 2, -1, -1, -1, -1}};
    all.push_back(Build("a delta on a dead run's chunk",
                        "the writer's delta needs a base that the collector wants to delete")
                      .pack({kA})
                      .place({kA})
                      .place({kBOnA})
                      .place({kB})
                      .writer(delta)
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .done());
    all.push_back(Build("a delta whose base goes",
                        "a is condemned or removed, the delta on it is not: it cannot be reused")
                      .pack({kA})
                      .pack({kBOnA, {.chunk = 2}})
                      .place({kB})
                      .place({kA})
                      .snapshot(4, 0b100)
                      .writer(of_one({0}, 1, {2}))
                      .writer(of_one({1}, 0, {3}))
                      .collector({.run = 0})
                      .done());
    all.push_back(Build("deltas of depth two", "c on b on a, and whole copies of b and a")
                      .pack({kA})
                      .pack({kBOnA})
                      .pack({kCOnB})
                      .pack({kA})
                      .pack({kB})
                      .place({{.chunk = 2}})
                      .snapshot(4, 0b001)
                      .writer(of_one({0}, 2, {5}))
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .done());
}

/// For the long run.
void larger(std::vector<Scenario>& all) {
    Writer both = of_one({1}, 1, {5});
    both.needs = 0b11;
    both.whole[0][0] = 4;
    both.delta = {{-1, 3, -1, -1, -1, -1}};
    all.push_back(Build("much at once", "copies, deltas, a snapshot that expires, a late retry")
                      .pack({kA})
                      .pack({kA})
                      .place({kA})
                      .place({kBOnA})
                      .place({kA})
                      .place({kB})
                      .snapshot(4, 0b1)
                      .writer(of_one({0}, 0, {2}))
                      .writer(both)
                      .collector({.run = 0, .expires = bit<ManifestSet>(4)})
                      .collector({.run = 1})
                      .with([](Scenario& it) {
                          it.start.late_retries = 1;
                          it.deaths = false;
                          it.slow = true;
                      })
                      .done());
    all.push_back(
        Build("a writer, three collectors", "a dead run's pack and two copies; nobody is given up")
            .pack({kA})
            .pack({kB})
            .pack({kB})
            .place({kA})
            .snapshot(4, 0b10)
            .writer(of_one({0}, 0, {3}))
            .collector({.run = 0})
            .collector({.run = 1})
            .collector({.run = 2})
            .with([](Scenario& it) {
                it.deaths = false;
                it.gives_up = false;
                it.slow = true;
            })
            .done());
}

}  // namespace

std::vector<Scenario> writing_scenarios() {
    std::vector<Scenario> all;
    all.push_back(Build("one writer, one collector",
                        "a dead run's pack: one wants to reuse it, one to delete it")
                      .pack({kA})
                      .place({kA})
                      .place({kA})
                      .writer(of_one({0, 1}, 0, {1, 2}))
                      .collector({.run = 0})
                      .done());
    all.push_back(Build("two writers, two collectors", "all four want the same pack")
                      .pack({kA})
                      .place({kA})
                      .place({kA})
                      .writer(of_one({0}, 0, {1}))
                      .writer(of_one({1}, 0, {2}))
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .with([](Scenario& it) { it.slow = true; })
                      .done());
    all.push_back(Build("a writer starts over", "two collectors give it up, once or twice")
                      .pack({kA})
                      .place({kA})
                      .place({kA})
                      .writer(of_one({0, 1}, 0, {1, 2}))
                      .collector({.run = 0})
                      .collector({.run = 1})
                      .done());
    deltas(all);
    larger(all);
    return all;
}

std::vector<Scenario> scenarios() {
    std::vector<Scenario> all = writing_scenarios();
    for (auto* const more : {collecting_scenarios, storage_scenarios}) {
        for (Scenario& scenario : more()) {
            all.push_back(std::move(scenario));
        }
    }
    return all;
}

}  // namespace dbbackup::model
