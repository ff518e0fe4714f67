#include "archive/decoder.hpp"

#include "archive/archive_error.hpp"
#include "base/units.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kOutBytes = 256_KiB;
/// 15 bits of window; +16: with a gzip header; negative: raw. Source: zlib.h, inflateInit2().
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kRawWindowBits = -15;

CorruptionError damaged(std::string_view what) {
    return archive_damaged(fmt::format("the archive is damaged: {}", what));
}

CorruptionError cut_off() { return damaged("it ends before its content does"); }

class StoredDecoder final : public Decoder {
public:
    explicit StoredDecoder(PackedRange range) : range_(std::move(range)) {}

    void decode(const Visit& visit, std::stop_token stop) override {
        for (BytesView part = range_.next(); !part.empty(); part = range_.next()) {
            if (stop.stop_requested()) {
                throw Cancelled();
            }
            visit(part);
        }
    }

private:
    PackedRange range_;
};

class InflateDecoder final : public Decoder {
public:
    InflateDecoder(PackedRange range, bool is_raw)
        : range_(std::move(range)), is_raw_(is_raw), out_(kOutBytes) {
        const int status = inflateInit2(&stream_, is_raw ? kRawWindowBits : kGzipWindowBits);
        if (status != Z_OK) {
            throw Error(fmt::format("cannot start inflate: {}", zError(status)));
        }
    }
    InflateDecoder(const InflateDecoder&) = delete;
    InflateDecoder& operator=(const InflateDecoder&) = delete;
    ~InflateDecoder() override { inflateEnd(&stream_); }

    void decode(const Visit& visit, std::stop_token stop) override {
        bool is_ended = false;
        for (BytesView part = range_.next(); !part.empty(); part = range_.next()) {
            if (stop.stop_requested()) {
                throw Cancelled();
            }
            // zlib reads through this pointer only; its type predates const.
            stream_.next_in = const_cast<std::uint8_t*>(part.data());
            stream_.avail_in = static_cast<unsigned>(part.size());
            while (stream_.avail_in > 0 || stream_.avail_out == 0) {
                if (is_ended) {
                    start_next_member();
                }
                is_ended = step(visit);
                if (is_ended && stream_.avail_in == 0) {
                    break;
                }
            }
        }
        if (!is_ended) {
            throw cut_off();
        }
    }

private:
    void start_next_member() {
        if (is_raw_) {
            throw damaged("something follows its content");
        }
        inflateReset(&stream_);
    }

    /// @return Whether the stream ended.
    bool step(const Visit& visit) {
        stream_.next_out = out_.data();
        stream_.avail_out = static_cast<unsigned>(out_.size());
        const int status = inflate(&stream_, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            throw damaged(stream_.msg != nullptr ? stream_.msg : zError(status));
        }
        if (const std::size_t count = out_.size() - stream_.avail_out; count > 0) {
            visit(BytesView(out_).first(count));
        }
        return status == Z_STREAM_END;
    }

    PackedRange range_;
    bool is_raw_;
    z_stream stream_{};
    Bytes out_;
};

struct ReleaseContext {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

class ZstdDecoder final : public Decoder {
public:
    explicit ZstdDecoder(PackedRange range)
        : range_(std::move(range)), context_(ZSTD_createDCtx()), out_(kOutBytes) {
        if (!context_) {
            throw Error("cannot start zstd: out of memory");
        }
    }

    void decode(const Visit& visit, std::stop_token stop) override {
        std::size_t left = 1;  // 0 at the end of a frame
        for (BytesView part = range_.next(); !part.empty(); part = range_.next()) {
            if (stop.stop_requested()) {
                throw Cancelled();
            }
            ZSTD_inBuffer in = {part.data(), part.size(), 0};
            bool is_full = false;  // then zstd may hold more that it could not give
            while (in.pos < in.size || is_full) {
                ZSTD_outBuffer out = {out_.data(), out_.size(), 0};
                left = ZSTD_decompressStream(context_.get(), &out, &in);
                if (ZSTD_isError(left) != 0) {
                    throw damaged(ZSTD_getErrorName(left));
                }
                is_full = out.pos == out.size;
                if (out.pos > 0) {
                    visit(BytesView(out_).first(out.pos));
                }
                if (left == 0 && in.pos == in.size) {
                    break;
                }
            }
        }
        if (left != 0) {
            throw cut_off();
        }
    }

private:
    PackedRange range_;
    std::unique_ptr<ZSTD_DCtx, ReleaseContext> context_;
    Bytes out_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(Packing packing, PackedRange range) {
    switch (packing) {
        case Packing::gzip: return std::make_unique<InflateDecoder>(std::move(range), false);
        case Packing::deflate: return std::make_unique<InflateDecoder>(std::move(range), true);
        case Packing::zstd: return std::make_unique<ZstdDecoder>(std::move(range));
        case Packing::stored: break;
    }
    return std::make_unique<StoredDecoder>(std::move(range));
}

}  // namespace dbbackup
