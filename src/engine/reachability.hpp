#pragma once

/// @file
/// What snapshots need: manifest -> list chunks -> chunks, and where they say that it lies.
///
/// Ids of 32 bytes, once for each different segment list, in tables that need not be in memory.

#include "engine/name_table.hpp"
#include "engine/pack_directories.hpp"
#include "repository/chunk_reader.hpp"
#include "repository/manifest.hpp"
#include "repository/repository.hpp"
#include "sys/scratch.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// What one snapshot needs.
struct SnapshotNeeds {
    std::uint64_t first_part = 0;  ///< Place among the parts of all snapshots.
    std::uint32_t part_count = 0;
    /// Segment lists that cannot be read: nobody knows what they need.
    std::vector<std::string> problems;
};

/// Remembers what it has read: manifests and lists never change. Parts are what one segment list,
/// or what a manifest itself holds, needs; they are numbered from 0. Spans end with the next `of`.
/// Not thread-safe.
class Reachability {
public:
    /// Borrows everything.
    /// @param directories Gets what manifests say about packs that may be in no index.
    Reachability(Repository& repository, ScratchSpace& scratch, PackDirectories& directories);

    /// @throws ConfigError (code "snapshot_unknown") when it has gone, CorruptionError when its
    /// manifest cannot be read, StorageError.
    [[nodiscard]] SnapshotNeeds of(const SnapshotSummary& snapshot, std::stop_token stop);

    [[nodiscard]] std::span<const std::uint32_t> parts(const SnapshotNeeds& needs) const {
        return snapshot_parts_.span(needs.first_part, needs.part_count);
    }
    /// What must decode; sorted, each once. Bases are not among them.
    [[nodiscard]] std::span<const ChunkId> chunks(std::uint32_t part) const {
        return chunks_.span(parts_[part].first_chunk, parts_[part].chunk_count);
    }
    /// Where they and their bases are said to lie; sorted, each once.
    [[nodiscard]] std::span<const PackName> packs(std::uint32_t part) const {
        return packs_.span(parts_[part].first_pack, parts_[part].pack_count);
    }

private:
    struct Part {
        std::uint64_t first_chunk = 0;
        std::uint64_t first_pack = 0;
        std::uint32_t chunk_count = 0;
        std::uint32_t pack_count = 0;
    };
    struct Gathered;

    [[nodiscard]] std::uint32_t part_of_list(const ChunkCopy& chunk, std::stop_token stop);
    [[nodiscard]] std::uint32_t add_part(Gathered gathered);

    Repository& repository_;
    PackDirectories& directories_;
    ChunkReader reader_;
    std::map<SnapshotId, SnapshotNeeds> snapshots_;
    NameTable<ChunkId> lists_;  ///< List chunks.
    ScratchArray<std::uint32_t> list_parts_;
    ScratchArray<std::uint32_t> snapshot_parts_;
    ScratchArray<Part> parts_;
    ScratchArray<ChunkId> chunks_;
    ScratchArray<PackName> packs_;
};

}  // namespace dbbackup
