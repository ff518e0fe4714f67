#include "pipeline/sealer.hpp"

#include "base/error.hpp"

namespace dbbackup {

Codec whole_codec(const Compression& compression, StreamKind kind) {
    switch (compression.kind) {
        case CompressionKind::zstd:
            return kind == StreamKind::rows ? Codec::zstd_columns : Codec::zstd;
        case CompressionKind::gzip: return Codec::gzip;
        case CompressionKind::zip:
        case CompressionKind::none: break;
    }
    return Codec::stored;
}

Sealer::Sealer(const Keys& keys, SnapshotWriter& writer, ChunkReader& reader, SealOptions options,
               SealCounts& counts, Log& log, std::stop_token stop)
    : keys_(keys),
      writer_(writer),
      reader_(reader),
      options_(options),
      counts_(counts),
      log_(log),
      stop_(std::move(stop)),
      delta_(make_compressor(Codec::zstd_delta, 0)) {}

ChunkCopyPtr Sealer::seal(const ChunkToSeal& chunk) {
    const ChunkId id = keys_.chunk_id(chunk.content);
    ChunkCopyPtr known = find(id, chunk);
    return known ? known : store(id, chunk);
}

NamedChunk Sealer::name(const ChunkToSeal& chunk) {
    NamedChunk named{keys_.chunk_id(chunk.content), nullptr, nullptr};
    named.known = find(named.id, chunk);
    if (!named.known) {
        if (const std::optional<BaseChoice> choice = choose(chunk)) {
            named.base = choice->base;
        }
    }
    return named;
}

ChunkCopyPtr Sealer::seal_named(const ChunkToSeal& chunk, const ChunkId& id) {
    // The same bytes may have been stored since they were named.
    ChunkCopyPtr known = find(id, chunk);
    return known ? known : store(id, chunk);
}

ChunkCopyPtr Sealer::store(const ChunkId& id, const ChunkToSeal& chunk) {
    if (ChunkCopyPtr delta = try_delta(id, chunk)) {
        count(&SealCounts::stored_delta, 1, chunk);
        count(&SealCounts::stored_bytes, delta->sealed_bytes, chunk);
        return delta;
    }
    count(&SealCounts::stored_whole, 1, chunk);
    ChunkCopyPtr whole = store_whole(id, chunk);
    count(&SealCounts::stored_bytes, whole->sealed_bytes, chunk);
    return whole;
}

ChunkCopyPtr Sealer::find(const ChunkId& id, const ChunkToSeal& chunk) {
    const ChunkCopyPtr& parent = chunk.parent;
    ChunkCopyPtr known = parent && parent->id == id ? writer_.current(parent, options_.held_as)
                                                    : writer_.find(id, options_.held_as);
    if (known) {
        count(&SealCounts::reused, 1, chunk);
    }
    return known;
}

void Sealer::count(std::atomic<std::uint64_t> SealCounts::* which, std::uint64_t number,
                   const ChunkToSeal& chunk) {
    counts_.*which += number;
    if (chunk.also_counted != nullptr) {
        chunk.also_counted->*which += number;
    }
}

std::optional<BaseChoice> Sealer::choose(const ChunkToSeal& chunk) {
    if (!options_.makes_deltas || !chunk.parent) {
        return std::nullopt;
    }
    BaseChoice choice = choose_base(chunk.parent);
    if (!writer_.provides(choice.base)) {
        const ChunkCopyPtr parent = writer_.find(chunk.parent->id, HeldAs::whole_or_delta);
        if (!parent) {
            return std::nullopt;
        }
        choice = choose_base(parent);
    }
    // One of this very run cannot be read while its pack is still being filled or sent.
    const bool is_worth_it = is_stored(*choice.base) && choice.base->depth < chunk.depth_max &&
                             delta_bytes_max(*choice.base, chunk.content.size()) > 0;
    return is_worth_it ? std::optional(std::move(choice)) : std::nullopt;
}

ChunkCopyPtr Sealer::try_delta(const ChunkId& id, const ChunkToSeal& chunk) {
    const std::optional<BaseChoice> choice = choose(chunk);
    if (!choice) {
        return nullptr;
    }
    Bytes base;
    try {
        base = read_base(*choice->base, chunk);
    } catch (const CorruptionError& error) {
        log_.warning("a damaged chunk cannot be a base, so this one is stored whole",
                     {{"error", error.what()}});
        writer_.distrust(*choice->base, error.what());
        return nullptr;
    }
    const BytesView view(base);
    const std::optional<Bytes> packed = delta_->compress(
        chunk.content, std::span(&view, 1), {.aligned_unit_bytes = chunk.aligned_unit_bytes},
        delta_bytes_max(*choice->base, chunk.content.size()));
    if (!packed) {
        return nullptr;
    }
    ChunkForm form{id,
                   static_cast<std::uint32_t>(chunk.content.size()),
                   Codec::zstd_delta,
                   0,
                   choice->generation,
                   {}};
    return writer_.add(std::move(form), *packed, {choice->base});
}

/// The base's bytes, proven: a delta against other bytes than those the base's id names would be
/// worthless once the base is stored anew.
/// @throws CorruptionError, StorageError, Cancelled.
Bytes Sealer::read_base(const ChunkCopy& base, const ChunkToSeal& chunk) {
    if (chunk.parent_proof && chunk.aligned_unit_bytes != 0 && base.id == chunk.parent->id) {
        Bytes plain = reader_.read(base, stop_, Proof::caller);
        if (keys_.fingerprinter().of_pages(plain, chunk.aligned_unit_bytes,
                                           chunk.parent_proof->first_page) ==
            chunk.parent_proof->fingerprint) {
            return plain;
        }
    }
    return reader_.read(base, stop_);
}

ChunkCopyPtr Sealer::store_whole(const ChunkId& id, const ChunkToSeal& chunk) {
    PackedChunk packed =
        whole_.pack(id, chunk.content, whole_codec(options_.compression, chunk.kind),
                    options_.compression.level);
    return writer_.add(std::move(packed.form), packed.bytes, {});
}

}  // namespace dbbackup
