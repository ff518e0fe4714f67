#pragma once

/// @file
/// Packs chunks by themselves, without bases.
///
/// Data path: chunker -> sealer: [compress] -> packer.

#include "compress/compressor.hpp"
#include "repository/chunk_copy.hpp"
#include "repository/pack.hpp"

#include <memory>

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

    /// With `codec`, or stored as it is where that takes no more. @param level 0: the codec's own.
    [[nodiscard]] PackedChunk pack(const ChunkId& id, BytesView content, Codec codec,
                                   int level = 0);

private:
    std::unique_ptr<Compressor> stored_;
    std::unique_ptr<Compressor> whole_;
    int level_ = 0;  ///< Of `whole_`.
};

/// The codec that the first version of this chunk's place was stored with.
[[nodiscard]] Codec root_codec(const ChunkCopy& copy);

}  // namespace dbbackup
