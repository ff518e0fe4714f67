#pragma once

/// @file
/// Which chunks the repository holds, and where: what a writer or a reader looks chunks up in.

#include "repository/chunk_place.hpp"
#include "repository/directory_record.hpp"
#include "repository/repository.hpp"

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dbbackup {

class LocalIndex;
class SyncedIndex;

/// Whether a chunk that the repository holds only as a delta counts as held. In a full it does
/// not, so that a full never depends on other snapshots' chunks for its decoding.
enum class HeldAs : std::uint8_t { whole_only, whole_or_delta };

/// Not thread-safe. Packs that provide nothing (docs/protocol.md) are left out. Its memory does not
/// grow with the number of chunks.
class ChunkIndex {
public:
    /// Whether a pack counts.
    using Admits = std::function<bool(const PackName&)>;

    /// Knows what is added.
    ChunkIndex();
    /// Knows what index objects say, too.
    /// @param shared Was synced.
    ChunkIndex(std::unique_ptr<SyncedIndex> shared, Admits admits);
    ~ChunkIndex();
    ChunkIndex(const ChunkIndex&) = delete;
    ChunkIndex& operator=(const ChunkIndex&) = delete;
    ChunkIndex(ChunkIndex&& other) noexcept;
    ChunkIndex& operator=(ChunkIndex&& other) noexcept;

    /// Adds the directory of one pack. Where there is no room for many, they are not found later.
    void add(const IndexedPack& pack, const Removals& removals);

    /// A copy of the chunk whose whole closure this index knows; the shallowest one.
    /// @throws StorageError, Cancelled: what this machine kept was lost, and is read again.
    [[nodiscard]] ChunkCopyPtr find(const ChunkId& id, HeldAs held_as) const;

    /// How many copies this knows.
    [[nodiscard]] std::size_t size() const;

private:
    /// What was found, or not, during one search: with several copies of each version, the ways
    /// through a tree of bases are many more than its chunks.
    using Found = std::map<std::pair<ChunkId, unsigned>, ChunkCopyPtr>;
    [[nodiscard]] ChunkCopyPtr find_shallower(const ChunkId& id, unsigned depth_below,
                                              Found& found) const;
    [[nodiscard]] std::vector<ChunkPlace> places_of(const ChunkId& id, unsigned depth_below) const;
    [[nodiscard]] ChunkCopyPtr copy_at(const ChunkPlace& place, Found& found) const;

    void add_to_database(const IndexedPack& pack);

    std::unique_ptr<SyncedIndex> shared_;  ///< May be null.
    Admits admits_;                        ///< May be empty.
    std::unordered_multimap<ChunkId, ChunkPlace> places_;
    /// Packs added when `places_` was full, in a temporary database; may be null.
    std::unique_ptr<LocalIndex> more_;
};

/// Loads what a writer of one source looks chunks up in: all index objects, and the inline indexes
/// of that source's newest snapshots.
[[nodiscard]] ChunkIndex load_chunk_index(Repository& repository, const SourceId& source,
                                          const Removals& removals, std::stop_token stop);

}  // namespace dbbackup
