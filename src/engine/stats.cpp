#include "engine/stats.hpp"

namespace dbbackup {

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
    return all;
}

}  // namespace dbbackup
