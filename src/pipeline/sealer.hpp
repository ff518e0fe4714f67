#pragma once

/// @file
/// One chunk's way into the repository: name it, skip it if it is known, else make a delta or
/// compress it, and pack it.
///
/// Data path: chunker -> [sealer] -> packer -> storage.

#include "compress/compressor.hpp"
#include "config/enums.hpp"
#include "connector/connector.hpp"
#include "crypto/fingerprint.hpp"
#include "pipeline/delta_base.hpp"
#include "pipeline/whole_packer.hpp"
#include "repository/chunk_reader.hpp"
#include "repository/snapshot_writer.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>

namespace dbbackup {

struct SealOptions {
    Compression compression;
    /// In a full, a chunk held only as a delta is stored whole, and no deltas are made.
    HeldAs held_as = HeldAs::whole_or_delta;
    bool makes_deltas = true;
};

/// What the pages of a stored chunk must add up to: proves them like the chunk's id does, at
/// several times the speed (docs/decisions/0007).
struct PagesProof {
    std::uint64_t first_page = 0;
    Fingerprint fingerprint;
};

/// How many chunks went which way. Lock-free.
struct SealCounts {
    std::atomic<std::uint64_t> stored_whole{0};
    std::atomic<std::uint64_t> stored_delta{0};
    std::atomic<std::uint64_t> reused{0};
    std::atomic<std::uint64_t> stored_bytes{0};  ///< Sealed.
};

/// A chunk to store, and what is known about its place.
struct ChunkToSeal {
    Bytes content;
    ChunkCopyPtr parent;  ///< The parent's chunk at the same place; null if there is none.
    std::uint32_t aligned_unit_bytes = 0;         ///< Page size for pages, else 0.
    unsigned depth_max = kDepthMax;               ///< Of the delta that it may become.
    std::optional<PagesProof> parent_proof = {};  ///< Of `parent`, where the snapshot holds one.
    SealCounts* also_counted = nullptr;    ///< Of the chunk's stream, say. Borrowed; may be null.
    StreamKind kind = StreamKind::opaque;  ///< How the content is made.
};

/// What can be said of a chunk before anything of the repository is read.
struct NamedChunk {
    ChunkId id;
    ChunkCopyPtr known;  ///< Where the repository holds it; null: it is to be stored.
    ChunkCopyPtr base;   ///< What a delta would be made against; null: nothing.
};

/// What chunks of such a stream are compressed with that are stored whole. zstd-columns has the
/// level that is asked of zstd.
[[nodiscard]] Codec whole_codec(const Compression& compression, StreamKind kind);

/// One per worker thread: it owns the codecs' working memory.
class Sealer {
public:
    Sealer(const Keys& keys, SnapshotWriter& writer, ChunkReader& reader, SealOptions options,
           SealCounts& counts, Log& log, std::stop_token stop);

    /// @throws StorageError, Cancelled. A damaged base only costs the delta, and is logged.
    [[nodiscard]] ChunkCopyPtr seal(const ChunkToSeal& chunk);
    /// As `seal`, in two steps: so that bases are fetched in between. What is known is counted as
    /// reused by the first step; another thread may be in it while one is in the second.
    [[nodiscard]] NamedChunk name(const ChunkToSeal& chunk);
    /// @param id Of the chunk, which was not known.
    [[nodiscard]] ChunkCopyPtr seal_named(const ChunkToSeal& chunk, const ChunkId& id);

private:
    [[nodiscard]] ChunkCopyPtr find(const ChunkId& id, const ChunkToSeal& chunk);
    /// Adds to the sealer's own counts, and to those that the chunk names.
    void count(std::atomic<std::uint64_t> SealCounts::* which, std::uint64_t number,
               const ChunkToSeal& chunk);
    [[nodiscard]] ChunkCopyPtr store(const ChunkId& id, const ChunkToSeal& chunk);
    /// Nothing where no delta would be worth it.
    [[nodiscard]] std::optional<BaseChoice> choose(const ChunkToSeal& chunk);
    [[nodiscard]] ChunkCopyPtr try_delta(const ChunkId& id, const ChunkToSeal& chunk);
    [[nodiscard]] Bytes read_base(const ChunkCopy& base, const ChunkToSeal& chunk);
    [[nodiscard]] ChunkCopyPtr store_whole(const ChunkId& id, const ChunkToSeal& chunk);

    const Keys& keys_;
    SnapshotWriter& writer_;
    ChunkReader& reader_;
    SealOptions options_;
    SealCounts& counts_;
    Log& log_;
    std::stop_token stop_;
    WholePacker whole_;
    std::unique_ptr<Compressor> delta_;
};

}  // namespace dbbackup
