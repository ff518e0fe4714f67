/// @file
/// Scenarios about several collectors, copies and old lists.

#include "model/scenarios.hpp"
#include "model/steps.hpp"

#include <utility>

namespace dbbackup::model {
namespace {

constexpr Copy kA{.chunk = 0};
constexpr Copy kB{.chunk = 1};
constexpr Copy kAOnB{.chunk = 0, .base = 1, .depth = 1};
constexpr Copy kBOnA{.chunk = 1, .base = 0, .depth = 1};

Writer of_a(int run, int pack) {
    Writer writer;
    writer.runs = {run};
    writer.needs = 0b1;
    writer.whole.emplace_back(kChunksMax, pack);
    return writer;
}

void brief(Scenario& it) {
    it.deaths = false;
    it.brief = true;
    it.quiet = false;
}

void copies(std::vector<Scenario>& all) {
    all.push_back(Build("two copies, two collectors", "each may delete the copy the other keeps")
                      .pack({kA})
                      .pack({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .writer(of_a(0, 2))
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .with([](Scenario& it) { it.strict = true; })
                      .done());
    all.push_back(Build("two copies and a death", "one collector is given up, and wakes again")
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .done());
    all.push_back(Build("two copies, three collectors", "the same with three")
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .collector({.run = 2, .any_candidates = true})
                      .with(brief)
                      .done());
    all.push_back(Build("three copies, three collectors", "and any markers")
                      .pack({kA})
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .collector({.run = 2, .any_candidates = true})
                      .with(brief)
                      .with([](Scenario& it) { it.slow = true; })
                      .done());
    all.push_back(Build("copies with shared packs", "a and b, together and apart, three collectors")
                      .pack({kA})
                      .pack({kA, kB})
                      .pack({kB})
                      .snapshot(4, 0b11)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .collector({.run = 2, .any_candidates = true})
                      .with(brief)
                      .with([](Scenario& it) { it.slow = true; })
                      .done());
    all.push_back(Build("a circle of deltas", "a on b and b on a, and both whole; two collectors")
                      .pack({kAOnB})
                      .pack({kBOnA})
                      .pack({kA})
                      .pack({kB})
                      .snapshot(4, 0b11)
                      .collector({.run = 0, .any_candidates = true})
                      .collector({.run = 1, .any_candidates = true})
                      .done());
    all.push_back(Build("any choice among own candidates", "three collectors prefer what they like")
                      .pack({kA})
                      .pack({kA, kB})
                      .pack({kB})
                      .snapshot(4, 0b11)
                      .collector({.run = 0, .any_choice = true, .any_candidates = true})
                      .collector({.run = 1, .any_choice = true, .any_candidates = true})
                      .collector({.run = 2, .any_choice = true, .any_candidates = true})
                      .with(brief)
                      .with([](Scenario& it) { it.slow = true; })
                      .done());
}

void retention(std::vector<Scenario>& all) {
    all.push_back(Build("a snapshot expires", "while a writer wants its chunk")
                      .pack({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .writer(of_a(0, 1))
                      .collector({.run = 0, .expires = bit<ManifestSet>(4)})
                      .collector({.run = 1})
                      .done());
    all.push_back(Build("late retries", "of packs, manifests, markers and outcomes")
                      .pack({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .writer(of_a(0, 1))
                      .collector({.run = 0, .expires = bit<ManifestSet>(4)})
                      .collector({.run = 1})
                      .with([](Scenario& it) { it.start.late_retries = 2; })
                      .done());
}

Writer pin_on(int manifest, std::vector<int> runs) {
    Writer writer;
    writer.runs = std::move(runs);
    writer.pins = manifest;
    return writer;
}

void pins(std::vector<Scenario>& all) {
    all.push_back(Build("a pin", "on a snapshot that two collectors want to remove")
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .writer(pin_on(4, {0, 1}))
                      .collector({.run = 0, .expires = bit<ManifestSet>(4)})
                      .collector({.run = 1, .expires = bit<ManifestSet>(4)})
                      .done());
    all.push_back(Build("a pin and stale listings", "of runs, markers, outcomes and pins")
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .writer(pin_on(4, {0}))
                      .collector({.run = 0, .expires = bit<ManifestSet>(4)})
                      .with([](Scenario& it) {
                          it.caches = true;
                          it.deaths = false;
                      })
                      .done());
}

void old_lists(std::vector<Scenario>& all) {
    // Collection 0 has removed pack 0, and 1 has taken its list over; 2 may delete the first list.
    const auto lists = [](Scenario& it) {
        it.start.outcomes = 0b11;
        it.start.outcomes_put = 0b11;
        it.start.markers_put = 0b11;
        it.start.marker_packs[0] = 0b1;
        it.start.lists[0] = {.packs = 0b1};
        it.start.lists[1] = {.packs = 0b1, .taken = 0b1};
        take(it.start.packs, PackSet{1});
    };
    all.push_back(Build("old lists", "a writer knows a pack of old; a late retry brings it back")
                      .pack({kA})
                      .place({kA})
                      .writer(of_a(0, 1))
                      .collector({.run = 2})
                      .collector({.run = 3})
                      .with(lists)
                      .with([](Scenario& it) {
                          it.start.late_retries = 1;
                          it.slow = true;
                      })
                      .done());
    // Here 2 has removed pack 0, which a late retry has put back. A listing meets 0 and 1 before 2.
    const auto pages = [](Scenario& it) {
        it.start.outcomes = 0b100;
        it.start.outcomes_put = 0b100;
        it.start.lists[2] = {.packs = 0b1};
        it.by_page = true;
        it.deaths = false;
    };
    all.push_back(Build("old lists in pages", "a writer meets each outcome at another time")
                      .pack({kA})
                      .place({kA})
                      .writer(of_a(0, 1))
                      .collector({.run = 0})
                      .collector({.run = 3})
                      .with(pages)
                      .done());
    all.push_back(Build("old lists in pages, three collectors",
                        "a collector does, and a lock keeps what was removed")
                      .pack({kA})
                      .pack({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .any_candidates = true, .may_name = 0b1})
                      .collector({.run = 1, .any_candidates = true, .may_name = 0b1})
                      .collector({.run = 3, .any_candidates = true, .may_name = 0b10})
                      .with(brief)
                      .with(pages)
                      .with([](Scenario& it) {
                          it.any_order = true;
                          it.start.locked = 0b1;
                      })
                      .done());
}

void compaction(std::vector<Scenario>& all) {
    all.push_back(Build("compaction", "one seals anew what the other wants to delete")
                      .pack({kA, kB})
                      .place({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .writer(of_a(0, 2))
                      .collector({.run = 0, .compacts = 0, .into = 1})
                      .collector({.run = 1})
                      .done());
    all.push_back(Build("two compactions", "of the same chunk into different packs")
                      .pack({kA, kB})
                      .place({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .compacts = 0, .into = 1})
                      .collector({.run = 1, .compacts = 0, .into = 2})
                      .done());
    all.push_back(Build("rebase", "what is needed only as a base is made superfluous")
                      .pack({kA})
                      .pack({kBOnA})
                      .place({kB})
                      .place({kA})
                      .snapshot(4, 0b10)
                      .writer(of_a(0, 3))
                      .collector({.run = 0, .compacts = 1, .into = 2})
                      .collector({.run = 1})
                      .done());
    all.push_back(Build("two processes for one collection", "the second may only give the first up")
                      .pack({kA})
                      .pack({kA})
                      .place({kA})
                      .snapshot(4, 0b1)
                      .collector({.run = 0, .compacts = 0, .into = 2})
                      .collector({.run = 0, .resumes = true})
                      .collector({.run = 1})
                      .done());
}

}  // namespace

std::vector<Scenario> collecting_scenarios() {
    std::vector<Scenario> all;
    copies(all);
    retention(all);
    pins(all);
    old_lists(all);
    compaction(all);
    return all;
}

std::vector<Scenario> broken_scenarios() {
    return {
        Build("a pack for each chunk alone", "a and b apart, and deltas between them")
            .pack({kAOnB})
            .pack({kBOnA})
            .pack({kA})
            .pack({kB})
            .snapshot(4, 0b11)
            .collector({.run = 0, .by_chunk = true, .any_candidates = true})
            .collector({.run = 1, .by_chunk = true, .any_candidates = true})
            .with([](Scenario& it) { it.quiet = false; })
            .done(),
        Build("two processes for one collection, and its list goes",
              "one sleeps before it puts the outcome; the other has put it, 1 has taken it over")
            .pack({kA})
            .pack({kA})
            .snapshot(4, 0b1)
            .collector({.run = 0})
            .collector({.run = 2})
            .with([](Scenario& it) {
                it.start.outcomes = 0b11;
                it.start.outcomes_put = 0b11;
                it.start.lists[0] = {.packs = 0b1};
                it.start.lists[1] = {.packs = 0b1, .taken = 0b1};
                take(it.start.packs, PackSet{1});
                it.start.actors[0].step = collecting::commit;
                it.start.actors[0].list = {.packs = 0b10};
                it.quiet = false;
            })
            .done()};
}

}  // namespace dbbackup::model
