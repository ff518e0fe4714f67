#pragma once

/// @file
/// Which chunks the repository holds, and where: the in-memory index of a writer.

#include "repository/directory_record.hpp"
#include "repository/repository.hpp"

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dbbackup {

/// Whether a chunk that the repository holds only as a delta counts as held. In a full it does
/// not, so that a full never depends on other snapshots' chunks for its decoding.
enum class HeldAs : std::uint8_t { whole_only, whole_or_delta };

/// Not thread-safe. Packs that provide nothing (docs/protocol.md) are left out when added.
class ChunkIndex {
public:
    /// Adds the directory of one pack.
    void add(const IndexedPack& pack, const Removals& removals);

    /// A copy of the chunk whose whole closure this index knows; the shallowest one.
    [[nodiscard]] ChunkCopyPtr find(const ChunkId& id, HeldAs held_as) const;

    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

private:
    struct Place {
        std::shared_ptr<const PackIdentity> pack;
        PackEntry entry;
    };

    /// What was found, or not, during one search: with several copies of each version, the ways
    /// through a tree of bases are many more than its chunks.
    using Found = std::map<std::pair<ChunkId, unsigned>, ChunkCopyPtr>;
    [[nodiscard]] ChunkCopyPtr find_shallower(const ChunkId& id, unsigned depth_below,
                                              Found& found) const;
    [[nodiscard]] ChunkCopyPtr copy_at(const Place& place, Found& found) const;

    std::unordered_multimap<ChunkId, Place> places_;
};

/// Loads what a writer of one source looks chunks up in: all index objects, and the inline indexes
/// of that source's newest snapshots.
[[nodiscard]] ChunkIndex load_chunk_index(Repository& repository, const SourceId& source,
                                          const Removals& removals, std::stop_token stop);

}  // namespace dbbackup
