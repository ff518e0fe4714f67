// uses: base compress

/// @file
/// Any bytes as the payload of any codec: refused, or as many bytes as asked for.
///
/// Input: codec, number of bases, size of the content (2 bytes, little endian), payload.

#include "base/error.hpp"
#include "compress/compressor.hpp"

#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dbbackup;
    constexpr std::size_t kHeaderBytes = 4;
    if (size < kHeaderBytes) {
        return 0;
    }
    const BytesView input(data, size);
    const auto codec = static_cast<Codec>(input[0] % 5);
    const std::size_t content_bytes = input[2] + 256U * input[3];
    static const Bytes base(20'000, 'b');
    const std::vector<BytesView> bases(input[1] % 4, base);
    try {
        const Bytes content = make_compressor(codec, 0)->decompress(input.subspan(kHeaderBytes),
                                                                    bases, content_bytes);
        if (content.size() != content_bytes) {
            std::abort();
        }
    } catch (const CorruptionError&) {
        return 0;
    }
    return 0;
}
