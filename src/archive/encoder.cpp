#include "archive/encoder.hpp"

#include "archive/deflate_stream.hpp"
#include "archive/little_endian.hpp"
#include "archive/zstd_encoder.hpp"
#include "base/error.hpp"

#include <array>
#include <utility>

namespace dbbackup {
namespace {

/// Deflate, no name, no time (so that equal content gives equal archives), made on Unix.
/// Source: RFC 1952, section 2.3.
constexpr std::array<std::uint8_t, 10> kGzipHeader = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3};

class PlainEncoder final : public Encoder {
public:
    PlainEncoder(ByteSink& sink, std::stop_token stop) : sink_(sink), stop_(std::move(stop)) {}

    void write(BytesView content) override {
        if (stop_.stop_requested()) {
            throw Cancelled();
        }
        sink_.write(content);
    }
    void finish() override {}

private:
    ByteSink& sink_;
    std::stop_token stop_;
};

class GzipEncoder final : public Encoder {
public:
    GzipEncoder(ByteSink& sink, int level, unsigned jobs, std::stop_token stop)
        : sink_(sink), deflate_(sink, level, jobs, std::move(stop)) {
        sink_.write(kGzipHeader);
    }

    void write(BytesView content) override { deflate_.write(content); }
    void finish() override {
        const DeflateSums sums = deflate_.finish();
        Bytes trailer;
        append_u32(trailer, sums.crc);
        append_u32(trailer, static_cast<std::uint32_t>(sums.plain_bytes));  // modulo 2^32
        sink_.write(trailer);
    }

private:
    ByteSink& sink_;
    DeflateStream deflate_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(const Compression& compression, ByteSink& sink, unsigned jobs,
                                      std::stop_token stop) {
    switch (compression.kind) {
        case CompressionKind::gzip:
            return std::make_unique<GzipEncoder>(sink, compression.level, jobs, std::move(stop));
        case CompressionKind::zstd:
            return make_zstd_encoder(sink, compression.level, jobs, std::move(stop));
        case CompressionKind::none: return std::make_unique<PlainEncoder>(sink, std::move(stop));
        case CompressionKind::zip: break;
    }
    throw Error("a zip archive is no single stream");
}

}  // namespace dbbackup
