#pragma once

/// @file
/// From a chunk's location to its plain bytes: fetch, unseal, decompress, check.
///
/// Data path: storage -> [unpacker] -> segments -> connector.

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "repository/chunk_copy.hpp"
#include "repository/keys.hpp"
#include "repository/other_copies.hpp"
#include "repository/pack.hpp"
#include "repository/pack_windows.hpp"
#include "repository/repository.hpp"
#include "repository/sealed_cache.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

namespace dbbackup {

/// Who proves that what was decoded is what was backed up. Every sealed byte is authenticated
/// either way; what is left to find is a mistake of this program or a fault of memory.
enum class Proof : bool {
    chunk_id,  ///< The reader, by the keyed hash of each chunk.
    caller,    ///< The caller, by fingerprints of what it reads, at several times the speed.
};

/// A pack that something refers to is not there.
class PackMissing final : public CorruptionError {
public:
    explicit PackMissing(const PackName& pack);
    [[nodiscard]] const PackName& pack() const noexcept { return pack_; }

private:
    PackName pack_;
};

/// What a pack holds of a chunk is not what was sealed there.
class PackDamaged final : public CorruptionError {
public:
    /// @param why Completes "chunk 3 …".
    PackDamaged(const ChunkCopy& copy, std::string_view why);
    [[nodiscard]] const PackName& pack() const noexcept { return pack_; }

private:
    PackName pack_;
};

/// Thread-safe; each thread works by itself.
class ChunkReader {
public:
    /// Reads each chunk from where it is said to be, and nowhere else.
    ChunkReader(Storage& storage, const Keys& keys);
    /// Also finds chunks in other packs when the one that is named has gone or is damaged.
    ChunkReader(Repository& repository, Elsewhere elsewhere);
    ~ChunkReader();
    ChunkReader(const ChunkReader&) = delete;
    ChunkReader& operator=(const ChunkReader&) = delete;

    /// The plain bytes, proven to be those of `copy.id` unless the caller proves them.
    /// @throws CorruptionError that names the pack; StorageError; Cancelled.
    [[nodiscard]] Bytes read(const ChunkCopy& copy, std::stop_token stop,
                             Proof proof = Proof::chunk_id);
    /// What was packed into the chunk: compressed, or a delta on its bases. Authentic.
    /// @throws as `read`.
    [[nodiscard]] Bytes read_packed(const ChunkCopy& copy, std::stop_token stop);
    /// False: `expect` does nothing, for reading costs no request.
    [[nodiscard]] bool reads_ahead() const noexcept { return windows_.reads_ahead(); }
    /// Begins to fetch what will be read soon, and all that it is a delta on. Never waits, nor
    /// throws: what cannot be had is told when it is read.
    void expect(std::span<const ChunkCopyPtr> copies);
    /// As `read`, for what every run asks for again: where reading costs a request, it is kept on
    /// this machine, sealed, as far as there is room.
    [[nodiscard]] Bytes read_kept(const ChunkCopy& copy, std::stop_token stop);
    /// What was fetched from the storage so far.
    [[nodiscard]] std::uint64_t bytes_fetched() const noexcept { return windows_.bytes_fetched(); }

private:
    /// A pack that this copy needs and that was missing before; nothing: it may all be there.
    [[nodiscard]] std::optional<PackName> known_missing(const ChunkCopy& copy);
    /// From another pack, when this one is damaged; nothing when no other gives it.
    [[nodiscard]] std::optional<Bytes> read_elsewhere(const ChunkCopy& copy, const PackName& pack,
                                                      std::stop_token stop);
    /// The copy and all that it is a delta on.
    static void visit_closure(const ChunkCopy& copy,
                              const std::function<void(const ChunkCopy&)>& visit);
    /// Whether `read_kept` finds it on this machine.
    [[nodiscard]] bool is_kept(const ChunkCopy& copy);
    [[nodiscard]] bool is_sealed_there(const ChunkCopy& copy, BytesView sealed);
    [[nodiscard]] Bytes read_here(const ChunkCopy& copy, std::stop_token stop, Proof proof);
    [[nodiscard]] Bytes decode(const ChunkCopy& copy, std::stop_token stop);
    /// One that is no link of a chain: whole, or a delta on several bases.
    [[nodiscard]] Bytes decode_oldest(const ChunkCopy& copy, std::stop_token stop);
    /// `read_packed`, and lets `apply` decompress it, with a decompressor of its codec.
    void decompress(const ChunkCopy& copy, std::stop_token stop,
                    const std::function<void(Compressor&, BytesView)>& apply);
    [[nodiscard]] Bytes fetch(const ChunkCopy& copy, std::stop_token stop);
    [[nodiscard]] std::shared_ptr<const PackKey> key_of(const PackIdentity& pack);
    [[nodiscard]] std::unique_ptr<Compressor> borrow(Codec codec);

    const Keys& keys_;
    std::unique_ptr<OtherCopies> others_;  ///< May be null.
    PackWindows windows_;
    struct Kept {
        SealedCache cache;
        std::size_t asked_for = 0;
    };
    std::unique_ptr<Guarded<Kept>> kept_;  ///< May be null.
    /// What has gone does not come back: each chunk of it would cost a request to see that.
    Guarded<std::set<PackName>> missing_;
    /// Idle decompressors; a codec's working memory is worth keeping.
    Guarded<std::multimap<Codec, std::unique_ptr<Compressor>>> idle_;
    Guarded<std::map<Digest, std::shared_ptr<const PackKey>>> pack_keys_;
};

}  // namespace dbbackup
