// uses: base compress

/// @file
/// Any bytes as rows: what zstd-columns makes of them gives them back. Hostile payloads are for
/// compress_fuzz.cpp.

#include "compress/compressor.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dbbackup;
    static const std::unique_ptr<Compressor> codec = make_compressor(Codec::zstd_columns, 0);
    const BytesView rows(data, size);
    static_cast<void>(has_columns(rows));
    const std::optional<Bytes> packed =
        codec->compress(rows, {}, {}, std::numeric_limits<std::size_t>::max());
    if (!packed || !std::ranges::equal(codec->decompress(*packed, {}, size), rows)) {
        std::abort();
    }
    return 0;
}
