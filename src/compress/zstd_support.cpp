#include "compress/zstd_support.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

namespace dbbackup {
namespace {

/// Source: RFC 8878 section 3.1.1.
constexpr std::array<std::uint8_t, 4> kMagic = {0x28, 0xb5, 0x2f, 0xfd};
/// Source: RFC 8878 section 6.
constexpr std::array<std::uint8_t, 4> kDictionaryMagic = {0x37, 0xa4, 0x30, 0xec};

/// Smaller parts share a block with what follows: a block has a header, and often tables.
constexpr std::size_t kPartBytesMin = 1024;

bool starts_with(BytesView bytes, const std::array<std::uint8_t, 4>& magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

/// Throws for what no input causes: memory that ran out, a call this library made wrongly.
std::size_t checked(std::size_t result, std::string_view doing) {
    if (ZSTD_isError(result) != 0) {
        throw Error(fmt::format("cannot {} with zstd: {}", doing, ZSTD_getErrorName(result)));
    }
    return result;
}

std::size_t bytes_of(std::span<const BytesView> parts) {
    std::size_t bytes = 0;
    for (const BytesView part : parts) {
        bytes += part.size();
    }
    return bytes;
}

}  // namespace

ZstdCompression new_zstd_compression() {
    ZstdCompression context(ZSTD_createCCtx());
    if (context == nullptr) {
        throw std::bad_alloc();
    }
    set(*context, ZSTD_c_contentSizeFlag, 0);
    set(*context, ZSTD_c_checksumFlag, 0);
    set(*context, ZSTD_c_dictIDFlag, 0);
    return context;
}

ZstdDecompression new_zstd_decompression() {
    ZstdDecompression context(ZSTD_createDCtx());
    if (context == nullptr) {
        throw std::bad_alloc();
    }
    return context;
}

void set(ZSTD_CCtx& context, ZSTD_cParameter parameter, int value) {
    checked(ZSTD_CCtx_setParameter(&context, parameter, value), "set a parameter");
}

std::size_t compress_frame(ZSTD_CCtx& context, BytesView content, BytesView prefix,
                           std::span<std::uint8_t> room) {
    // A prefix can only be set between frames, also after one that failed.
    checked(ZSTD_CCtx_reset(&context, ZSTD_reset_session_only), "start");
    checked(ZSTD_CCtx_refPrefix(&context, prefix.data(), prefix.size()), "refer to a base");
    return checked(
        ZSTD_compress2(&context, room.data(), room.size(), content.data(), content.size()),
        "compress");
}

std::size_t frame_bytes_max(std::span<const BytesView> parts) {
    // Source: RFC 8878 section 3.1.1.2: a block has a header of 3 bytes and is stored raw if need
    // be.
    constexpr std::size_t kBlockHeaderBytes = 3;
    const std::size_t bytes = bytes_of(parts);
    return bytes == 0 ? 0 : ZSTD_compressBound(bytes) + parts.size() * kBlockHeaderBytes;
}

std::size_t compress_parts(ZSTD_CCtx& context, std::span<const BytesView> parts,
                           std::span<std::uint8_t> room) {
    const std::size_t bytes = bytes_of(parts);
    if (bytes == 0) {
        return 0;
    }
    checked(ZSTD_CCtx_reset(&context, ZSTD_reset_session_only), "start");
    checked(ZSTD_CCtx_setPledgedSrcSize(&context, bytes), "tell a size");
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    std::size_t unflushed = 0;
    for (std::size_t number = 0; number < parts.size(); ++number) {
        const BytesView part = parts[number];
        unflushed += part.size();
        ZSTD_EndDirective after = ZSTD_e_continue;
        if (number + 1 == parts.size()) {
            after = ZSTD_e_end;
        } else if (unflushed >= kPartBytesMin) {
            after = ZSTD_e_flush;
            unflushed = 0;
        }
        ZSTD_inBuffer in{part.data(), part.size(), 0};
        // The room holds all of it, so nothing is left over but what zstd keeps on purpose.
        do {
            const std::size_t left =
                checked(ZSTD_compressStream2(&context, &out, &in, after), "compress");
            if (after != ZSTD_e_continue && left == 0) {
                break;
            }
        } while (after != ZSTD_e_continue || in.pos < in.size);
    }
    return out.pos;
}

bool decompress_frame(ZSTD_DCtx& context, BytesView packed, BytesView prefix,
                      std::span<std::uint8_t> out) {
    // ZSTD_decompressDCtx() would also take several frames, skippable ones and those of versions
    // before 0.8, whose decoders few people look at.
    if (!starts_with(packed, kMagic) ||
        ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) {
        return false;
    }
    if (!starts_with(prefix, kDictionaryMagic)) {
        // Quicker than a reference, which zstd takes for memory that is not in any cache.
        return ZSTD_decompress_usingDict(&context, out.data(), out.size(), packed.data(),
                                         packed.size(), prefix.data(), prefix.size()) == out.size();
    }
    // As a dictionary these bytes would be parsed; a prefix is always taken as it is.
    checked(ZSTD_DCtx_reset(&context, ZSTD_reset_session_only), "start");
    checked(ZSTD_DCtx_refPrefix(&context, prefix.data(), prefix.size()), "refer to a base");
    return ZSTD_decompressDCtx(&context, out.data(), out.size(), packed.data(), packed.size()) ==
           out.size();
}

}  // namespace dbbackup
