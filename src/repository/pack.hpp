#pragma once

/// @file
/// A pack: many sealed chunks in one object, with its own directory (docs/format.md, "Packs").
///
///     magic "DBBP", format version 1, cipher, 2 zero bytes, salt (32 bytes)
///     sealed chunks, one after the other
///     sealed directory (PackDirectory), its sealed length (u32 LE), magic "DBBE"
///
/// All chunks and the directory are sealed under one key derived from the salt; a chunk's nonce is
/// its ordinal, the directory's is 2^32. The object's name is the SHA-256 of its content.
///
/// Data path: sealer -> [packer] -> storage.

#include "base/units.hpp"
#include "repository/chunk_copy.hpp"
#include "repository/keys.hpp"
#include "storage/object_name.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// The largest size of a pack, directory included. Larger ones would cost memory, smaller ones
/// requests.
inline constexpr std::uint64_t kPackBytesMax = 16_MiB;
inline constexpr std::uint64_t kChunkPlainBytesMax = 4_MiB;
/// So many chunks are near 4 MiB of directory, and near 20 MiB in memory while it is decoded.
inline constexpr std::size_t kPackEntriesMax = 65'536;

/// What a chunk is, apart from where it lies.
struct ChunkForm {
    ChunkId id;
    std::uint32_t plain_bytes = 0;
    Codec codec = Codec::stored;
    std::uint8_t depth = 0;
    std::uint32_t generation = 0;
    std::vector<ChunkId> base_ids;
};

/// One entry of a pack's directory, with its place.
struct PackEntry {
    ChunkForm form;
    std::uint64_t offset_bytes = 0;
    std::uint32_t sealed_bytes = 0;
    std::uint32_t ordinal = 0;
};

/// The copy that `entry` describes, with its closure.
[[nodiscard]] ChunkCopyPtr copy_in(std::shared_ptr<const PackIdentity> pack, const PackEntry& entry,
                                   std::vector<ChunkCopyPtr> bases);

/// `packs/ab/abcdef…`
[[nodiscard]] ObjectName pack_object_name(const PackName& name);
/// Nothing when `name` is not that of a pack.
[[nodiscard]] std::optional<PackName> pack_name_of(const ObjectName& name);

/// What seals one pack. Deriving it costs more than unsealing a small chunk, so it is kept while
/// chunks of the pack are read. Immutable and thread-safe.
class PackKey {
public:
    PackKey(const Keys& keys, const Digest& salt)
        : salt_(salt), key_(keys.object_key("pack", salt)) {}

    [[nodiscard]] const Digest& salt() const noexcept { return salt_; }
    [[nodiscard]] BytesView bytes() const noexcept { return key_.bytes(); }

private:
    Digest salt_;
    Secret key_;
};

/// Fills one pack. Not thread-safe.
class PackBuilder {
public:
    explicit PackBuilder(const Keys& keys);

    /// Whether `add` of so many bytes keeps the pack within `kPackBytesMax` and `kPackEntriesMax`;
    /// an empty one always has room for a chunk.
    [[nodiscard]] bool has_room(const ChunkForm& form, std::size_t packed_bytes) const noexcept;

    /// Seals `packed` and appends it. @pre has_room
    PackEntry add(const ChunkForm& form, BytesView packed);

    [[nodiscard]] const Digest& salt() const noexcept { return key_.salt(); }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return content_.size(); }
    [[nodiscard]] const std::vector<PackEntry>& entries() const noexcept { return entries_; }
    /// Appends the directory and returns the object's content. Ends the builder's use.
    [[nodiscard]] Bytes finish();

private:
    const Keys& keys_;
    PackKey key_;
    Bytes content_;
    std::vector<PackEntry> entries_;
    std::size_t directory_bytes_ = 0;  ///< At most so many will the directory have.
};

inline constexpr std::size_t kPackHeaderBytes = 40;

/// Reads the salt from a pack's first bytes. @throws CorruptionError.
[[nodiscard]] Digest read_pack_salt(const Keys& keys, const PackName& pack, BytesView header);

/// Unseals one chunk. @throws CorruptionError unless these are its bytes and `form` is its form.
[[nodiscard]] Bytes unseal_chunk(const Keys& keys, const PackKey& key, const ChunkForm& form,
                                 std::uint32_t ordinal, Bytes sealed);

/// Reads the directory out of a whole pack. @throws CorruptionError.
[[nodiscard]] std::vector<PackEntry> read_pack_directory(const Keys& keys, const PackName& pack,
                                                         BytesView content);
/// The same from the pack's first and last bytes. Nothing when `end` holds too little of it.
/// @throws CorruptionError.
[[nodiscard]] std::optional<std::vector<PackEntry>> read_pack_directory(const Keys& keys,
                                                                        const PackName& pack,
                                                                        BytesView beginning,
                                                                        BytesView end,
                                                                        std::uint64_t pack_bytes);

}  // namespace dbbackup
