/// @file
/// Measures zstd-columns against zstd on tables: files of COPY text, or two that are made here.
///
///     columns CHUNK_MIB RUNS [FILE...]
///
/// Each codec goes through all chunks in turn, RUNS times; medians of processor time of one thread.
/// What is decoded is compared with its source. bench/columns.py compiles and runs it.

#include "compress/compressor.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace dbbackup;

constexpr std::size_t kMadeBytes = 16'000'000;
/// Of each file, spread over it.
constexpr std::size_t kMeasuredBytes = 16'000'000;

double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::string orders() {
    constexpr std::array<const char*, 5> kStates = {"new", "paid", "shipped", "delivered", "\\N"};
    std::mt19937_64 random(1);
    std::string text;
    for (std::size_t row = 1; text.size() < kMadeBytes; ++row) {
        text +=
            fmt::format("{}\t{}\t{}\t{}.{:02}\t2025-{:02}-{:02} {:02}:{:02}:{:02}+00\t{}\n", row,
                        random() % 100'000, random() % 9 + 1, random() % 200, random() % 100,
                        row / 2'000'000 % 12 + 1, row / 86'400 % 28 + 1, row / 3600 % 24,
                        row / 60 % 60, row % 60, kStates[random() % kStates.size()]);
    }
    return text;
}

std::string notes() {
    std::mt19937_64 random(2);
    std::string text;
    for (std::size_t row = 1; text.size() < kMadeBytes; ++row) {
        text += fmt::format("{}\t{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\t", row, random() >> 32U,
                            random() >> 48U, random() >> 48U, random() >> 48U, random() >> 16U);
        for (std::size_t word = random() % 60; word > 0; --word) {
            text += fmt::format("w{:x} ", random() % (random() % 3000 + 1));
        }
        text += fmt::format("\t{{\"open\": {}, \"total\": {}}}\n", random() % 2 == 0,
                            random() % 100'000);
    }
    return text;
}

std::vector<Bytes> chunks_of(const std::string& text, std::size_t chunk_bytes) {
    std::vector<Bytes> all;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', std::min(at + chunk_bytes, text.size()) - 1);
        const std::size_t bytes = std::min(end, text.size() - 1) + 1 - at;
        all.push_back(copy_of(as_bytes(text).subspan(at, bytes)));
        at += bytes;
    }
    const std::size_t wanted = std::max<std::size_t>(1, kMeasuredBytes / chunk_bytes);
    const std::size_t step = std::max<std::size_t>(1, all.size() / wanted);
    std::vector<Bytes> some;
    for (std::size_t at = 0; at < all.size() && some.size() < wanted; at += step) {
        some.push_back(std::move(all[at]));
    }
    return some;
}

/// A codec, or zstd as its own tool would use it.
struct Way {
    std::string name;
    Codec codec = Codec::zstd;
    int level = 0;
    int plain_level = 0;  ///< Not 0: zstd's own level, with its own parameters.
};

struct Measured {
    std::size_t packed_bytes = 0;
    std::vector<double> encoding = {};
    std::vector<double> decoding = {};
};

Bytes pack(const Way& way, Compressor& codec, const Bytes& chunk) {
    if (way.plain_level == 0) {
        return codec.compress(chunk, {}, {}, 2 * chunk.size() + 1000).value();
    }
    Bytes packed(ZSTD_compressBound(chunk.size()));
    packed.resize(
        ZSTD_compress(packed.data(), packed.size(), chunk.data(), chunk.size(), way.plain_level));
    return packed;
}

void measure(const Way& way, Compressor& codec, const std::vector<Bytes>& chunks,
             Measured& measured) {
    measured.packed_bytes = 0;
    double encoding = 0;
    double decoding = 0;
    for (const Bytes& chunk : chunks) {
        const double start = thread_seconds();
        const Bytes packed = pack(way, codec, chunk);
        const double packed_at = thread_seconds();
        const Bytes plain = codec.decompress(packed, {}, chunk.size());
        decoding += thread_seconds() - packed_at;
        encoding += packed_at - start;
        measured.packed_bytes += packed.size();
        if (plain != chunk) {
            fmt::print(stderr, "{} gave other bytes back\n", way.name);
            std::exit(2);
        }
    }
    measured.encoding.push_back(encoding);
    measured.decoding.push_back(decoding);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void compare(const std::string& name, const std::string& text, std::size_t chunk_bytes, int runs) {
    const std::vector<Way> ways = {{"zstd -3", Codec::zstd, 0, 3},
                                   {"zstd -1", Codec::zstd, 0, 1},
                                   {"zstd", Codec::zstd},
                                   {"zstd-columns", Codec::zstd_columns},
                                   {"zstd-columns:3", Codec::zstd_columns, 3}};
    const std::vector<Bytes> chunks = chunks_of(text, chunk_bytes);
    double bytes = 0;
    for (const Bytes& chunk : chunks) {
        bytes += static_cast<double>(chunk.size());
    }
    std::vector<std::unique_ptr<Compressor>> codecs;
    for (const Way& way : ways) {
        codecs.push_back(make_compressor(way.codec, way.level));
    }
    std::vector<Measured> measured(ways.size());
    for (int run = 0; run < runs; ++run) {
        for (std::size_t way = 0; way < ways.size(); ++way) {
            measure(ways[way], *codecs[way], chunks, measured[way]);
        }
    }
    fmt::print("{}: {:.1f} MB in {} chunks\n", name, bytes / 1e6, chunks.size());
    for (std::size_t way = 0; way < ways.size(); ++way) {
        const Measured& each = measured[way];
        fmt::print(
            "  {:<16} {:.4f} of plain, {:.3f} of zstd -3, encodes {:5.0f} MB/s, decodes "
            "{:5.0f} MB/s\n",
            ways[way].name, static_cast<double>(each.packed_bytes) / bytes,
            static_cast<double>(each.packed_bytes) /
                static_cast<double>(measured.front().packed_bytes),
            bytes / 1e6 / median(each.encoding), bytes / 1e6 / median(each.decoding));
    }
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        fmt::print(stderr, "usage: {} CHUNK_MIB RUNS [FILE...]\n", argv[0]);
        return 2;
    }
    const std::size_t chunk_bytes = std::strtoul(argv[1], nullptr, 10) << 20U;
    const int runs = std::atoi(argv[2]);
    if (chunk_bytes == 0 || runs < 1) {
        return 2;
    }
    if (argc == 3) {
        compare("orders", orders(), chunk_bytes, runs);
        compare("notes", notes(), chunk_bytes, runs);
    }
    for (int file = 3; file < argc; ++file) {
        std::ifstream in(argv[file], std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(in), {});
        if (text.empty()) {
            fmt::print(stderr, "{} cannot be read, or is empty\n", argv[file]);
            return 2;
        }
        compare(argv[file], text, chunk_bytes, runs);
    }
    return 0;
}
