#pragma once

/// @file
/// What snapshots need: manifest -> list chunks -> chunks, and where they say that it lies.
///
/// Ids of 32 bytes in sorted vectors, once for each different segment list. That is enough for some
/// tens of millions of chunks; more will need a file.

#include "repository/chunk_reader.hpp"
#include "repository/manifest.hpp"
#include "repository/repository.hpp"

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// What one segment list, or what a manifest itself holds, needs.
struct Needs {
    std::vector<ChunkId>
        chunks;  ///< That must decode; sorted, each once. Bases are not among them.
    std::vector<PackName>
        packs;  ///< Where they and their bases are said to lie; sorted, each once.
};

/// What one snapshot needs.
struct SnapshotNeeds {
    std::vector<std::shared_ptr<const Needs>> parts;
    std::vector<IndexedPack> inline_index;
    /// Segment lists that cannot be read: nobody knows what they need.
    std::vector<std::string> problems;
};

/// Remembers what it has read: manifests and lists never change. Not thread-safe.
class Reachability {
public:
    /// @param repository Borrowed.
    explicit Reachability(Repository& repository);

    /// @throws ConfigError (code "snapshot_unknown") when it has gone, CorruptionError when its
    /// manifest cannot be read, StorageError.
    [[nodiscard]] std::shared_ptr<const SnapshotNeeds> of(const SnapshotSummary& snapshot,
                                                          std::stop_token stop);

private:
    [[nodiscard]] std::shared_ptr<const Needs> of_list(const ChunkCopy& chunk,
                                                       std::stop_token stop);

    Repository& repository_;
    ChunkReader reader_;
    std::map<SnapshotId, std::shared_ptr<const SnapshotNeeds>> snapshots_;
    std::map<ChunkId, std::shared_ptr<const Needs>> lists_;  ///< By the list chunk's id.
};

}  // namespace dbbackup
