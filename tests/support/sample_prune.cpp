#include "support/sample_prune.hpp"

#include "engine/collection_view.hpp"
#include "engine/pack_choice.hpp"

#include <algorithm>

namespace dbbackup {

Retention keep_newest(std::size_t count) {
    return [count](const std::vector<SnapshotSummary>& of_source, const PinReasons&) {
        std::vector<SnapshotVerdict> verdicts;
        for (std::size_t index = 0; index < of_source.size(); ++index) {
            const bool is_kept = index + count >= of_source.size();
            verdicts.push_back({of_source[index], is_kept, is_kept ? "newest" : "old"});
        }
        return verdicts;
    };
}

PruneOptions sample_prune(Retention retention, const std::set<RunId>& living) {
    PruneOptions options;
    options.retention = std::move(retention);
    options.compaction.unused_part_max = 1;
    options.is_dead = [living](const KnownRun& run) { return !living.contains(run.id); };
    options.pause = [](std::chrono::milliseconds, const std::stop_token&) {};
    return options;
}

PruneOptions compacting_prune(Retention retention, const std::set<RunId>& living) {
    PruneOptions options = sample_prune(std::move(retention), living);
    options.compaction = {};
    return options;
}

PruneReport prune(Storage& storage, const PruneOptions& options, std::stop_token stop) {
    const auto repository = open_repository(storage);
    SampleContext sample;
    return prune(*repository, options, sample.context(), std::move(stop));
}

std::vector<std::string> names_below(const MemoryStorage& disk, const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& [name, content] : disk.contents()) {
        if (name.starts_with(folder + "/")) {
            names.push_back(name);
        }
    }
    return names;
}

std::string garbage(Storage& disk) {
    const auto repository = open_repository(disk);
    const PruneOptions keeps_all;
    CollectionViewReader reader(*repository, keeps_all);
    const CollectionView view = reader.read({});
    std::string found;
    const auto add = [&found](const std::string& name) { found += name + "\n"; };
    for (const PackName& pack : PackChoice(view).candidates()) {
        add(pack_object_name(pack).text());
    }
    for (const std::string& problem : view.problems) {
        add(problem);
    }
    std::set<std::string> removed = view.records.removed_manifests();
    removed.merge(view.records.removed_indexes());
    for (const PackName& pack : view.records.removed_packs()) {
        removed.insert(pack_object_name(pack).text());
    }
    const auto judge = [&](const ObjectInfo& info) {
        const std::string& name = info.name.text();
        if (name.starts_with("condemned/") || name.starts_with("runs/")) {
            add(name);
        }
        if (removed.contains(name)) {
            add(name + " (removed)");
        }
    };
    disk.list(ObjectPrefix(), judge, {});
    // One list that counts, and one that it has taken over.
    const auto lists = std::count_if(view.records.outcomes.begin(), view.records.outcomes.end(),
                                     [](const auto& each) { return each.second.has_value(); });
    if (lists > 2) {
        add("more than two lists of collections");
    }
    for (const PackState& pack : view.packs) {
        if (!pack.is_indexed && !pack.is_referred) {
            add(pack_object_name(pack.name).text() + " (in no index)");
        }
    }
    return found;
}

}  // namespace dbbackup
