#pragma once

/// @file
/// zstd's contexts with owners and its errors as ours; shared by the codecs made of zstd frames.

#include "base/bytes.hpp"

#include <zstd.h>

#include <memory>
#include <span>

namespace dbbackup {

struct ReleaseZstd {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};
using ZstdCompression = std::unique_ptr<ZSTD_CCtx, ReleaseZstd>;
using ZstdDecompression = std::unique_ptr<ZSTD_DCtx, ReleaseZstd>;

/// Contexts for frames as they are in packs: without content size, checksum and dictionary id,
/// because the directory of the pack has the size and the seal finds damage.
[[nodiscard]] ZstdCompression new_zstd_compression();
[[nodiscard]] ZstdDecompression new_zstd_decompression();

/// Sets a parameter that zstd cannot refuse.
void set(ZSTD_CCtx& context, ZSTD_cParameter parameter, int value);

/// Compresses into all of `room`, which must hold ZSTD_compressBound(content) bytes.
/// @param prefix Bytes to refer to, or none. Borrowed during the call only.
[[nodiscard]] std::size_t compress_frame(ZSTD_CCtx& context, BytesView content, BytesView prefix,
                                         std::span<std::uint8_t> room);

/// Room that `compress_parts` needs; none for parts without bytes.
[[nodiscard]] std::size_t frame_bytes_max(std::span<const BytesView> parts);

/// Like compress_frame(), without a prefix, for content made of parts that differ in nature: each
/// gets blocks of its own, with their own statistics, unless it is very small.
/// @param room At least frame_bytes_max() bytes. @return 0 for parts without bytes: no frame.
[[nodiscard]] std::size_t compress_parts(ZSTD_CCtx& context, std::span<const BytesView> parts,
                                         std::span<std::uint8_t> room);

/// Decodes exactly one frame into exactly `out.size()` bytes.
/// @return false when `packed` is anything else; `out` then holds anything.
[[nodiscard]] bool decompress_frame(ZSTD_DCtx& context, BytesView packed, BytesView prefix,
                                    std::span<std::uint8_t> out);

}  // namespace dbbackup
