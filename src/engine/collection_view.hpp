#pragma once

/// @file
/// Part of `prune`: one reading of the repository, in the protocol's order.

#include "engine/prune.hpp"
#include "engine/reachability.hpp"
#include "repository/collector_records.hpp"
#include "repository/index_objects.hpp"

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// One pack that is there and on no `removed` list.
struct PackState {
    std::uint64_t bytes = 0;
    std::shared_ptr<const IndexedPack> directory;  ///< Null when it cannot be read.
    /// As long as its directory says, and not recorded as damaged.
    bool is_sound = true;
    bool is_recorded_damaged = false;
    bool is_indexed = false;  ///< An index object names it.
};

/// What was read.
struct CollectionView {
    CollectorRecords records;
    PinReasons pins;
    std::vector<SnapshotVerdict> snapshots;      ///< All visible ones.
    std::vector<std::string> removed_manifests;  ///< Object names; those whose verdict is to go.
    std::vector<std::string> problems;           ///< No pack may be removed because of these.
    std::map<PackName, PackState> packs;
    std::vector<std::shared_ptr<const IndexObject>> indexes;  ///< On no `removed` list.
    std::vector<std::string> damaged_indexes;
    std::vector<ChunkId> needed;  ///< What must decode; sorted, each once.
    std::set<PackName> referred;  ///< Where the snapshots that stay say that it lies.
};

/// Reads views, and remembers between them what never changes. Not thread-safe.
class CollectionViewReader {
public:
    /// Borrows everything.
    CollectionViewReader(Repository& repository, const PruneOptions& options);

    /// @throws CorruptionError when a collector's record cannot be read, RepositoryError,
    /// StorageError, Cancelled.
    [[nodiscard]] CollectionView read(std::stop_token stop);

private:
    [[nodiscard]] CollectionView read_once(std::stop_token stop);
    void decide(CollectionView& view, std::vector<SnapshotSummary> visible) const;
    void read_needs(CollectionView& view, std::stop_token stop);
    void read_indexes(CollectionView& view, std::stop_token stop);
    void list_packs(CollectionView& view, std::stop_token stop);
    void read_directories(CollectionView& view, std::stop_token stop);

    Repository& repository_;
    const PruneOptions& options_;
    Reachability reachability_;
    std::map<std::string, std::shared_ptr<const IndexObject>> indexes_;
    std::map<PackName, std::shared_ptr<const IndexedPack>> directories_;  ///< That no index has.
};

}  // namespace dbbackup
