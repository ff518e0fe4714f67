#include "base/error.hpp"
#include "base/units.hpp"
#include "compress/codecs.hpp"
#include "compress/scratch.hpp"
#include "compress/zstd_support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace dbbackup {
namespace {

constexpr int kLevelMax = 19;

// The default. Measured on database pages in chunks of 2 MiB (docs/decisions/0003): level 2 with a
// hash table of 2^17 entries is within 2.6 % of the size that level 3 reaches on the whole file,
// and nearly twice as fast as level 3 on the same chunks. Small contents do better with zstd's own
// parameters for their size.
constexpr int kTunedLevel = 2;
constexpr int kTunedHashLog = 17;
constexpr int kTunedMinMatch = 5;
constexpr int kTunedWindowLogMax = 22;
constexpr std::size_t kTunedBytesMin = 256_KiB;

/// Payload: one zstd frame (RFC 8878) without content size, checksum and dictionary id.
class Zstd final : public Compressor {
public:
    explicit Zstd(int level);

    [[nodiscard]] Codec codec() const noexcept override { return Codec::zstd; }

    std::optional<Bytes> compress(BytesView content, std::span<const BytesView> bases,
                                  const CompressHints& hints, std::size_t bytes_max) override;
    Bytes decompress(BytesView packed, std::span<const BytesView> bases,
                     std::size_t content_bytes) override;

private:
    /// Chooses the parameters for one content.
    void fit_to(std::size_t content_bytes);

    int level_;
    ZstdCompression compression_ = new_zstd_compression();
    ZstdDecompression decompression_ = new_zstd_decompression();
    Scratch scratch_;
};

Zstd::Zstd(int level) : level_(level) { set(*compression_, ZSTD_c_compressionLevel, level); }

void Zstd::fit_to(std::size_t content_bytes) {
    // 0 is zstd's own choice for the level and the size.
    const bool is_tuned = level_ == kTunedLevel && content_bytes >= kTunedBytesMin;
    set(*compression_, ZSTD_c_hashLog, is_tuned ? kTunedHashLog : 0);
    set(*compression_, ZSTD_c_minMatch, is_tuned ? kTunedMinMatch : 0);
    const int window_log = static_cast<int>(std::bit_width(content_bytes));
    set(*compression_, ZSTD_c_windowLog, is_tuned ? std::min(window_log, kTunedWindowLogMax) : 0);
}

std::optional<Bytes> Zstd::compress(BytesView content, std::span<const BytesView> /*bases*/,
                                    const CompressHints& /*hints*/, std::size_t bytes_max) {
    fit_to(content.size());
    const std::span<std::uint8_t> room = scratch_.room(ZSTD_compressBound(content.size()));
    const std::size_t packed_bytes = compress_frame(*compression_, content, {}, room);
    if (packed_bytes > bytes_max) {
        return std::nullopt;
    }
    return Bytes(room.data(), room.data() + packed_bytes);
}

Bytes Zstd::decompress(BytesView packed, std::span<const BytesView> /*bases*/,
                       std::size_t content_bytes) {
    Bytes content(content_bytes);
    if (!decompress_frame(*decompression_, packed, {}, content)) {
        throw CorruptionError(
            fmt::format("a zstd chunk does not decode to {} bytes", content_bytes));
    }
    return content;
}

}  // namespace

std::unique_ptr<Compressor> make_zstd(int level) {
    return std::make_unique<Zstd>(checked_level(Codec::zstd, level, kLevelMax, kTunedLevel));
}

}  // namespace dbbackup
