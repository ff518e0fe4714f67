#include "engine/removed_snapshot.hpp"

#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/manifest.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {

void throw_if_removed(Repository& repository, const SnapshotSummary& snapshot,
                      std::stop_token stop) {
    const CollectorRecords records =
        read_readable_records(repository.storage(), repository.keys(), std::move(stop));
    const ObjectName name = manifest_object_name(snapshot.source_id, snapshot.id);
    if (records.removed_manifests().contains(name.text())) {
        throw explained<RepositoryError>(
            fmt::format("snapshot {} was removed while it was being read", snapshot.id),
            "'db-backup list' shows the snapshots that there are now.", "snapshot_removed");
    }
}

}  // namespace dbbackup
