#include "base/error.hpp"
#include "compress/codecs.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace dbbackup {
namespace {

constexpr int kLevelMax = Z_BEST_COMPRESSION;
constexpr int kLevelDefault = 6;
/// 15 bits of window, +16 for a gzip instead of a zlib header. Source: zlib.h, deflateInit2().
constexpr int kWindowBits = 15 + 16;
constexpr int kMemoryLevel = 9;

/// zlib counts in `unsigned`; it is fed and drained in pieces of at most this.
constexpr std::size_t kPieceBytesMax = std::numeric_limits<unsigned>::max();

/// Payload: one gzip member (RFC 1952) without name, time or comment, so `gunzip` reads it too.
class Gzip final : public Compressor {
public:
    explicit Gzip(int level) : level_(level) {}
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;
    ~Gzip() override {
        if (deflating_) {
            deflateEnd(&deflate_);
        }
        if (inflating_) {
            inflateEnd(&inflate_);
        }
    }

    [[nodiscard]] Codec codec() const noexcept override { return Codec::gzip; }

    std::optional<Bytes> compress(BytesView content, std::span<const BytesView> bases,
                                  const CompressHints& hints, std::size_t bytes_max) override;
    Bytes decompress(BytesView packed, std::span<const BytesView> bases,
                     std::size_t content_bytes) override;

private:
    /// Makes the stream on first use and empties it on later ones.
    void start_deflate();
    void start_inflate();

    int level_;
    z_stream deflate_{};
    z_stream inflate_{};
    bool deflating_ = false;
    bool inflating_ = false;
};

void Gzip::start_deflate() {
    const int status = deflating_ ? deflateReset(&deflate_)
                                  : deflateInit2(&deflate_, level_, Z_DEFLATED, kWindowBits,
                                                 kMemoryLevel, Z_DEFAULT_STRATEGY);
    if (status != Z_OK) {
        throw Error(fmt::format("cannot start gzip: {}", zError(status)));
    }
    deflating_ = true;
}

void Gzip::start_inflate() {
    const int status = inflating_ ? inflateReset(&inflate_) : inflateInit2(&inflate_, kWindowBits);
    if (status != Z_OK) {
        throw Error(fmt::format("cannot start gunzip: {}", zError(status)));
    }
    inflating_ = true;
}

/// Calls `step(flush)` with at most kPieceBytesMax on either side of the stream, until it does not
/// return Z_OK or has neither input nor room left.
template <class Step>
int run(z_stream& stream, BytesView in, std::span<std::uint8_t> out, Step step) {
    std::uint8_t none = 0;  // zlib takes no null pointers, not even for 0 bytes
    std::size_t in_done = 0;
    std::size_t out_done = 0;
    for (;;) {
        const std::size_t in_piece = std::min(in.size() - in_done, kPieceBytesMax);
        const std::size_t out_piece = std::min(out.size() - out_done, kPieceBytesMax);
        // zlib reads through this pointer only; its type predates const.
        stream.next_in = in.empty() ? &none : const_cast<std::uint8_t*>(in.data()) + in_done;
        stream.next_out = out.empty() ? &none : out.data() + out_done;
        stream.avail_in = static_cast<unsigned>(in_piece);
        stream.avail_out = static_cast<unsigned>(out_piece);
        const int status = step(in_done + in_piece == in.size() ? Z_FINISH : Z_NO_FLUSH);
        const std::size_t taken = in_piece - stream.avail_in;
        const std::size_t given = out_piece - stream.avail_out;
        in_done += taken;
        out_done += given;
        const bool stuck = taken == 0 && given == 0;
        if ((status != Z_OK && status != Z_BUF_ERROR) || stuck) {
            return status;
        }
    }
}

std::optional<Bytes> Gzip::compress(BytesView content, std::span<const BytesView> /*bases*/,
                                    const CompressHints& /*hints*/, std::size_t bytes_max) {
    start_deflate();
    Bytes out(std::min<std::size_t>(bytes_max, deflateBound(&deflate_, content.size())));
    const int status =
        run(deflate_, content, out, [this](int flush) { return deflate(&deflate_, flush); });
    if (status != Z_STREAM_END) {
        return std::nullopt;  // The room of bytes_max ran out: deflate has no other failure here.
    }
    out.resize(deflate_.total_out);
    out.shrink_to_fit();
    return out;
}

Bytes Gzip::decompress(BytesView packed, std::span<const BytesView> /*bases*/,
                       std::size_t content_bytes) {
    start_inflate();
    Bytes out(content_bytes);
    const int status = run(inflate_, packed, out,
                           [this](int /*flush*/) { return inflate(&inflate_, Z_SYNC_FLUSH); });
    if (status != Z_STREAM_END || inflate_.total_out != content_bytes ||
        inflate_.total_in != packed.size()) {
        throw CorruptionError(
            fmt::format("a gzip chunk does not decode to {} bytes", content_bytes));
    }
    return out;
}

}  // namespace

std::unique_ptr<Compressor> make_gzip(int level) {
    return std::make_unique<Gzip>(checked_level(Codec::gzip, level, kLevelMax, kLevelDefault));
}

}  // namespace dbbackup
