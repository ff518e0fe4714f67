#include "engine/stats.hpp"

#include "base/error.hpp"
#include "engine/collection_view.hpp"
#include "engine/compaction_plan.hpp"
#include "engine/pack_choice.hpp"

namespace dbbackup {
namespace {

/// What a prune would find, as far as it can be told.
void add_unused(Repository& repository, RepositoryStats& all, const std::stop_token& stop) {
    try {
        const PruneOptions keeps_all;
        CollectionViewReader reader(repository, keeps_all);
        const CollectionView view = reader.read(stop);
        if (!view.problems.empty()) {
            return;
        }
        const CompactionPlan plan = plan_compaction(view, keeps_all.compaction);
        std::uint64_t unused = plan.bytes_unused;
        for (const PackName& pack : PackChoice(view).candidates()) {
            unused += view.pack(pack).bytes;
        }
        all.bytes_unused = unused;
        all.bytes_only_bases = plan.bytes_only_bases;
    } catch (const Error& error) {
        if (stop.stop_requested()) {
            throw;
        }
        // Everything else was counted, and whoever looks after a damaged repository wants to see
        // it.
        repository.log().warning("what nothing needs cannot be told", {{"error", error.what()}});
    }
}

}  // namespace

RepositoryStats stats(Repository& repository, const Context& context, std::stop_token stop) {
    RepositoryStats all;
    std::vector<std::string> damaged;
    for (const SnapshotSummary& snapshot : repository.snapshots(stop, &damaged)) {
        SourceStats& source = all.sources[snapshot.source_name];
        ++all.snapshots;
        ++source.snapshots;
        source.bytes_source_newest = snapshot.bytes_source;  // They come by sequence.
        source.bytes_source_all += snapshot.bytes_source;
        source.bytes_added += snapshot.bytes_added;
        all.bytes_source_all += snapshot.bytes_source;
    }
    for (const std::string& name : damaged) {
        context.log.warning("an object is damaged and left out of account", {{"object", name}});
    }
    repository.storage().list(
        ObjectPrefix(),
        [&all](const ObjectInfo& info) {
            const bool is_pack = info.name.text().starts_with("packs/");
            ++(is_pack ? all.packs : all.other_objects);
            (is_pack ? all.pack_bytes : all.other_bytes) += info.size_bytes;
        },
        stop);
    add_unused(repository, all, stop);
    return all;
}

}  // namespace dbbackup
