#pragma once

/// @file
/// Packs chunks by themselves, without bases.
///
/// Data path: chunker -> sealer: [compress] -> packer.

#include "compress/compressor.hpp"
#include "repository/chunk_copy.hpp"
#include "repository/pack.hpp"

#include <map>
#include <memory>
#include <optional>

namespace dbbackup {

/// A chunk as it will be stored.
struct PackedChunk {
    ChunkForm form;
    Bytes bytes;
};

/// One per worker thread: it owns the codecs' working memory.
class WholePacker {
public:
    WholePacker();

    /// With `codec`, or stored as it is where that takes no more. zstd-columns is for rows: those
    /// that are likely to take no less with it become zstd. @param level 0: the codec's own.
    [[nodiscard]] PackedChunk pack(const ChunkId& id, BytesView content, Codec codec,
                                   int level = 0);

private:
    [[nodiscard]] std::optional<Bytes> pack_with(Codec codec, BytesView content, int level,
                                                 std::size_t bytes_max);

    std::unique_ptr<Compressor> stored_;
    std::map<Codec, std::unique_ptr<Compressor>> others_;
    int level_ = 0;  ///< Of `others_`.
};

/// The codec that the first version of this chunk's place was stored with.
[[nodiscard]] Codec root_codec(const ChunkCopy& copy);

}  // namespace dbbackup
