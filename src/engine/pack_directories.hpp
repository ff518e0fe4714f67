#pragma once

/// @file
/// Part of `prune`: what packs hold and which index names which pack, as records of a few bytes
/// that need not be in memory (sys/scratch.hpp).

#include "engine/name_table.hpp"
#include "repository/index_objects.hpp"
#include "sys/scratch.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace dbbackup {

/// One entry of a pack's directory.
struct ChunkRecord {
    ChunkId id;
    std::uint64_t offset_bytes = 0;
    std::uint64_t first_base = 0;  ///< Place among all ids of bases.
    std::uint32_t sealed_bytes = 0;
    std::uint32_t plain_bytes = 0;
    std::uint32_t generation = 0;
    Codec codec = Codec::stored;
    std::uint8_t depth = 0;
    std::uint8_t base_count = 0;
};

/// One index object.
struct KnownIndex {
    std::string name;
    std::uint64_t first_pack = 0;  ///< Place among the packs of all indexes.
    std::uint32_t pack_count = 0;
    std::uint64_t entry_count = 0;
};

/// Remembers directories for good: what a pack holds never changes. Packs are numbered from 0.
/// Not thread-safe.
class PackDirectories {
public:
    /// Of packs without a directory.
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    /// @param scratch Borrowed.
    explicit PackDirectories(ScratchSpace& scratch);

    /// The number of the pack, whose directory is remembered unless it was known.
    std::uint32_t add(const IndexedPack& pack);
    KnownIndex add(const IndexObject& index);

    [[nodiscard]] std::optional<std::uint32_t> find(const PackName& name) const {
        return names_.find(name);
    }
    /// Numbers go from 0 to below this.
    [[nodiscard]] std::uint32_t size() const noexcept { return names_.size(); }
    [[nodiscard]] const PackName& name(std::uint32_t pack) const { return names_[pack]; }
    [[nodiscard]] const Digest& salt(std::uint32_t pack) const { return packs_[pack].salt; }
    /// The size of the object.
    [[nodiscard]] std::uint64_t bytes(std::uint32_t pack) const { return packs_[pack].bytes; }
    /// What all chunks take, sealed.
    [[nodiscard]] std::uint64_t chunk_bytes(std::uint32_t pack) const {
        return packs_[pack].chunk_bytes;
    }

    /// The place of a pack's first entry among all of them.
    [[nodiscard]] std::uint32_t first_chunk(std::uint32_t pack) const {
        return packs_[pack].first_chunk;
    }
    /// In the order of their bytes.
    [[nodiscard]] std::span<const ChunkRecord> chunks(std::uint32_t pack) const {
        return chunks_.span(packs_[pack].first_chunk, packs_[pack].chunk_count);
    }
    [[nodiscard]] const ChunkRecord& chunk(std::uint32_t place) const { return chunks_[place]; }
    [[nodiscard]] std::span<const ChunkId> bases(const ChunkRecord& chunk) const {
        return bases_.span(chunk.first_base, chunk.base_count);
    }
    /// Numbers of the packs that an index names.
    [[nodiscard]] std::span<const std::uint32_t> packs(const KnownIndex& index) const {
        return index_packs_.span(index.first_pack, index.pack_count);
    }

    /// The entry at `place` among all of them, which is one of `pack`.
    [[nodiscard]] PackEntry entry(std::uint32_t pack, std::uint32_t place) const;
    /// As an index object names it.
    [[nodiscard]] IndexedPack indexed(std::uint32_t pack) const;

private:
    struct Pack {
        Digest salt{};
        std::uint64_t bytes = 0;
        std::uint64_t chunk_bytes = 0;
        std::uint32_t first_chunk = 0;
        std::uint32_t chunk_count = 0;
    };

    NameTable<PackName> names_;
    ScratchArray<Pack> packs_;
    ScratchArray<ChunkRecord> chunks_;
    ScratchArray<ChunkId> bases_;
    ScratchArray<std::uint32_t> index_packs_;
};

}  // namespace dbbackup
