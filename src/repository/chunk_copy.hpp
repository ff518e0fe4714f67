#pragma once

/// @file
/// One sealed chunk in one pack: where it lies and what is needed to read it.

#include "compress/compressor.hpp"
#include "repository/ids.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace dbbackup {

/// A pack as its copies know it. While this run is still filling a pack its name is unknown (it is
/// the hash of the whole content); the writer fills it in and then sets `is_stored`, which other
/// threads must have seen before they look at the name.
struct PackIdentity {
    PackName name;
    Digest salt{};
    std::atomic<bool> is_stored = false;
};

/// Immutable once made; shared because many segments, lists and caches refer to the same copy, and
/// a delta keeps its bases reachable (its closure).
struct ChunkCopy {
    ChunkId id;
    std::shared_ptr<const PackIdentity> pack;
    std::uint64_t offset_bytes = 0;
    std::uint32_t sealed_bytes = 0;
    std::uint32_t plain_bytes = 0;
    std::uint32_t ordinal = 0;  ///< Position in its pack; the nonce.
    Codec codec = Codec::stored;
    std::uint8_t depth = 0;        ///< 0 without bases, else 1 + the largest among them.
    std::uint32_t generation = 0;  ///< Versions of this place since its root.
    std::vector<std::shared_ptr<const ChunkCopy>> bases;
};

using ChunkCopyPtr = std::shared_ptr<const ChunkCopy>;

/// Whether its pack has its name, so that the copy can be read, be named in a list and be the base
/// of a delta in another pack. What it needs itself was stored before it, or lies in the same pack.
[[nodiscard]] inline bool is_stored(const ChunkCopy& copy) {
    return copy.pack->is_stored.load(std::memory_order_acquire);
}

/// The deepest delta that may be written, and the most bases of one delta.
inline constexpr std::uint8_t kDepthMax = 64;
inline constexpr std::size_t kBasesMax = 3;

}  // namespace dbbackup
