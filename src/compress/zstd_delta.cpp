/// @file
/// The codec for a chunk that resembles chunks the repository has: what differs, in one zstd frame.
///
/// Payload, version 1 (part of the repository format). Numbers are LEB128: seven bits a byte, the
/// lowest first, the high bit set on all bytes but the last, at most five bytes.
///
///     whole:  01 | frame
///     units:  02 | unit_bytes | runs | frame
///
/// - *whole*: the frame holds the content. Its prefix (`ZSTD_DCtx_refPrefix`: raw bytes that stand
///   before the content and that matches may reach into) is all bases, one after another, in order.
/// - *units*: there is one base. Content is cut into units of `unit_bytes` (the last may be short).
///   `runs` are lengths in units, in turn of units *kept*, equal to the base's bytes at the same
///   offset, and of units *changed*. The first run is of kept units and may be 0, all others are
///   not; they end when their sum covers the content. The frame holds the changed units, one after
///   another; its prefix is the base's bytes at the same offsets (those that lie beyond the end of
///   the base are left out), one after another. So a changed unit stands one constant distance from
///   what it was before, which zstd writes as a repeated offset. Without changed units there is no
///   frame.
/// - frame: one zstd frame (RFC 8878) without content size, checksum and dictionary id. It ends the
///   payload.

#include "base/error.hpp"
#include "base/units.hpp"
#include "compress/codecs.hpp"
#include "compress/scratch.hpp"
#include "compress/zstd_support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace dbbackup {
namespace {

enum class Form : std::uint8_t { whole = 1, units = 2 };

constexpr int kLevelMax = 19;
constexpr std::size_t kBasesMax = 3;
/// The largest LEB128 number of a payload: 35 bits are more than any content has bytes.
constexpr unsigned kNumberShiftMax = 28;

// Measured on databases whose pages changed at random places (docs/decisions/0003): the smaller the
// unit, the fewer bytes to compress, to decode and to copy; below 128 bytes the names of the runs
// take what is gained. Level 8 takes 15 % less than level 3 and is still faster than what reads the
// pages; levels above gain next to nothing. Where the whole content has a prefix, level 8 takes 1
// to 2 % less than level 3, but most of its time goes into knowing every place of the prefix: more
// than reading the rows takes.
constexpr std::uint32_t kUnitBytesMax = 128;
constexpr int kUnitsLevel = 8;
constexpr int kWholeLevel = 3;
constexpr int kMinMatchDefault = 5;
/// From here on the hash table of the level is too small to know a whole prefix, and an index of
/// long matches, which is sparse, finds what moved for less than a larger table would take.
constexpr std::size_t kLongDistanceBytesMin = 256_KiB;
/// Values of ZSTD_c_enableLongDistanceMatching; what levels below 16 do by themselves, and always.
constexpr int kShortMatches = 0;
constexpr int kLongMatches = 1;
/// What zstd allows, and what its command-line tool still decodes without being asked to.
constexpr int kWindowLogMin = 10;
constexpr int kWindowLogMax = 27;

void append_number(std::size_t value, Bytes& out) {
    while (value >= 0x80U) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80U));
        value >>= 7U;
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

[[noreturn]] void refuse_payload() { throw CorruptionError("a zstd-delta chunk does not decode"); }

/// Takes a number off the front of `payload`.
std::size_t take_number(BytesView& payload) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift <= kNumberShiftMax; shift += 7) {
        if (payload.empty()) {
            break;
        }
        const std::uint8_t byte = payload.front();
        payload = payload.subspan(1);
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if ((byte & 0x80U) == 0) {
            return value;
        }
    }
    refuse_payload();
}

/// Bytes [begin, end) of `bytes`, as far as there are any.
BytesView slice(BytesView bytes, std::size_t begin, std::size_t end) {
    begin = std::min(begin, bytes.size());
    return bytes.subspan(begin, std::min(end, bytes.size()) - begin);
}

/// Fills a scratch buffer from its front.
class Gathered {
public:
    explicit Gathered(std::span<std::uint8_t> room) : room_(room) {}

    void append(BytesView part) {
        if (!part.empty()) {
            std::memcpy(room_.data() + size_bytes_, part.data(), part.size());
            size_bytes_ += part.size();
        }
    }
    [[nodiscard]] BytesView bytes() const { return room_.first(size_bytes_); }

private:
    std::span<std::uint8_t> room_;
    std::size_t size_bytes_ = 0;
};

enum class RunKind : bool { kept, changed };

/// Calls `visit(kind, begin, end)` with the byte offsets of each run, and returns what follows the
/// runs in `payload`. Nothing is allocated, however many runs a hostile payload claims.
template <class Visit>
BytesView for_each_run(BytesView payload, std::size_t unit_bytes, std::size_t content_bytes,
                       Visit visit) {
    const std::size_t units = (content_bytes + unit_bytes - 1) / unit_bytes;
    RunKind kind = RunKind::kept;
    for (std::size_t unit = 0; unit < units;) {
        const std::size_t count = take_number(payload);
        const bool may_be_empty = unit == 0 && kind == RunKind::kept;
        if (count > units - unit || (count == 0 && !may_be_empty)) {
            refuse_payload();
        }
        visit(kind, unit * unit_bytes, std::min((unit + count) * unit_bytes, content_bytes));
        unit += count;
        kind = kind == RunKind::kept ? RunKind::changed : RunKind::kept;
    }
    return payload;
}

std::uint32_t unit_bytes_for(const CompressHints& hints) {
    std::uint32_t unit = hints.aligned_unit_bytes;
    while (unit > kUnitBytesMax && unit % 2 == 0) {
        unit /= 2;
    }
    return unit;
}

class ZstdDelta final : public Compressor {
public:
    explicit ZstdDelta(int level);

    [[nodiscard]] Codec codec() const noexcept override { return Codec::zstd_delta; }

    std::optional<Bytes> compress(BytesView content, std::span<const BytesView> bases,
                                  const CompressHints& hints, std::size_t bytes_max) override;
    Bytes decompress(BytesView packed, std::span<const BytesView> bases,
                     std::size_t content_bytes) override;
    void decompress_over(BytesView packed, Bytes& base, std::size_t content_bytes) override;

private:
    /// @param level Where none was asked for.
    /// @param long_matches A value of ZSTD_c_enableLongDistanceMatching.
    void tune(int level, int long_matches);
    std::optional<Bytes> with_frame(Bytes header, BytesView content, BytesView prefix,
                                    std::size_t bytes_max);
    std::optional<Bytes> compress_units(BytesView content, BytesView base, std::size_t unit_bytes,
                                        std::size_t bytes_max);
    /// Makes the content of `base`, in place.
    void patch_units(BytesView payload, Bytes& base, std::size_t content_bytes);
    /// All bases in one piece; only several of them need a copy.
    [[nodiscard]] BytesView joined(std::span<const BytesView> bases);

    int level_;
    ZstdCompression compression_ = new_zstd_compression();
    ZstdDecompression decompression_ = new_zstd_decompression();
    Scratch changed_;
    Scratch prefix_;
    Scratch frame_;
};

ZstdDelta::ZstdDelta(int level) : level_(level) {
    if (level == 0) {
        set(*compression_, ZSTD_c_minMatch, kMinMatchDefault);
    }
}

void ZstdDelta::tune(int level, int long_matches) {
    set(*compression_, ZSTD_c_compressionLevel, level_ == 0 ? level : level_);
    set(*compression_, ZSTD_c_enableLongDistanceMatching, long_matches);
}

BytesView ZstdDelta::joined(std::span<const BytesView> bases) {
    if (bases.size() > kBasesMax) {
        throw Error(fmt::format("a zstd-delta chunk has {} bases", bases.size()));
    }
    if (bases.empty()) {
        return {};
    }
    if (bases.size() == 1) {
        return bases.front();
    }
    std::size_t bytes = 0;
    for (const BytesView base : bases) {
        bytes += base.size();
    }
    Gathered gathered(prefix_.room(bytes));
    for (const BytesView base : bases) {
        gathered.append(base);
    }
    return gathered.bytes();
}

std::optional<Bytes> ZstdDelta::with_frame(Bytes header, BytesView content, BytesView prefix,
                                           std::size_t bytes_max) {
    const std::span<std::uint8_t> room = frame_.room(ZSTD_compressBound(content.size()));
    // The window reaches from the end of the content back to the start of the prefix.
    const int window_log = static_cast<int>(std::bit_width(prefix.size() + content.size()));
    set(*compression_, ZSTD_c_windowLog, std::clamp(window_log, kWindowLogMin, kWindowLogMax));
    const std::size_t frame_bytes = compress_frame(*compression_, content, prefix, room);
    if (header.size() + frame_bytes > bytes_max) {
        return std::nullopt;
    }
    header.reserve(header.size() + frame_bytes);
    header.insert(header.end(), room.data(), room.data() + frame_bytes);
    return header;
}

std::optional<Bytes> ZstdDelta::compress_units(BytesView content, BytesView base,
                                               std::size_t unit_bytes, std::size_t bytes_max) {
    Bytes header{static_cast<std::uint8_t>(Form::units)};
    append_number(unit_bytes, header);
    Gathered changed(changed_.room(content.size()));
    Gathered prefix(prefix_.room(base.size()));
    const auto is_kept = [&](std::size_t begin) {
        const std::size_t end = std::min(begin + unit_bytes, content.size());
        return end <= base.size() &&
               std::memcmp(content.data() + begin, base.data() + begin, end - begin) == 0;
    };
    RunKind kind = RunKind::kept;
    for (std::size_t begin = 0; begin < content.size();) {
        std::size_t end = begin;
        std::size_t units = 0;
        while (end < content.size() && is_kept(end) == (kind == RunKind::kept)) {
            end += unit_bytes;
            ++units;
        }
        append_number(units, header);
        if (kind == RunKind::changed) {
            changed.append(slice(content, begin, end));
            prefix.append(slice(base, begin, std::min(end, content.size())));
        }
        begin = end;
        kind = kind == RunKind::kept ? RunKind::changed : RunKind::kept;
    }
    if (changed.bytes().empty()) {
        return header.size() > bytes_max ? std::nullopt : std::optional(std::move(header));
    }
    return with_frame(std::move(header), changed.bytes(), prefix.bytes(), bytes_max);
}

std::optional<Bytes> ZstdDelta::compress(BytesView content, std::span<const BytesView> bases,
                                         const CompressHints& hints, std::size_t bytes_max) {
    if (hints.aligned_unit_bytes > 0 && bases.size() == 1) {
        tune(kUnitsLevel, kShortMatches);
        return compress_units(content, bases.front(), unit_bytes_for(hints), bytes_max);
    }
    const BytesView prefix = joined(bases);
    tune(kWholeLevel, prefix.size() >= kLongDistanceBytesMin ? kLongMatches : kShortMatches);
    return with_frame({static_cast<std::uint8_t>(Form::whole)}, content, prefix, bytes_max);
}

void ZstdDelta::patch_units(BytesView payload, Bytes& base, std::size_t content_bytes) {
    const std::size_t unit_bytes = take_number(payload);
    if (unit_bytes == 0) {
        refuse_payload();
    }
    // The changed units are decoded right behind their prefix: within one piece of memory zstd
    // copies faster than between two.
    const std::span<std::uint8_t> room = prefix_.room(base.size() + content_bytes);
    Gathered prefix(room);
    std::size_t changed_bytes = 0;
    const BytesView frame = for_each_run(payload, unit_bytes, content_bytes,
                                         [&](RunKind kind, std::size_t begin, std::size_t end) {
                                             if (kind == RunKind::changed) {
                                                 prefix.append(slice(base, begin, end));
                                                 changed_bytes += end - begin;
                                             } else if (end > base.size()) {
                                                 refuse_payload();
                                             }
                                         });

    const std::span<std::uint8_t> changed = room.subspan(prefix.bytes().size(), changed_bytes);
    const bool is_decoded = changed_bytes == 0
                                ? frame.empty()
                                : decompress_frame(*decompression_, frame, prefix.bytes(), changed);
    if (!is_decoded) {
        refuse_payload();
    }

    base.resize(content_bytes);
    BytesView left = changed;
    for_each_run(payload, unit_bytes, content_bytes,
                 [&](RunKind kind, std::size_t begin, std::size_t end) {
                     if (kind == RunKind::changed) {
                         std::memcpy(base.data() + begin, left.data(), end - begin);
                         left = left.subspan(end - begin);
                     }
                 });
}

void ZstdDelta::decompress_over(BytesView packed, Bytes& base, std::size_t content_bytes) {
    if (!packed.empty() && packed.front() == static_cast<std::uint8_t>(Form::units)) {
        patch_units(packed.subspan(1), base, content_bytes);
    } else {
        Compressor::decompress_over(packed, base, content_bytes);
    }
}

Bytes ZstdDelta::decompress(BytesView packed, std::span<const BytesView> bases,
                            std::size_t content_bytes) {
    if (packed.empty()) {
        refuse_payload();
    }
    const BytesView payload = packed.subspan(1);
    if (packed.front() == static_cast<std::uint8_t>(Form::units) && bases.size() == 1) {
        Bytes content(bases.front().begin(), bases.front().end());
        patch_units(payload, content, content_bytes);
        return content;
    }
    if (packed.front() != static_cast<std::uint8_t>(Form::whole)) {
        refuse_payload();
    }
    Bytes content(content_bytes);
    if (!decompress_frame(*decompression_, payload, joined(bases), content)) {
        refuse_payload();
    }
    return content;
}

}  // namespace

std::unique_ptr<Compressor> make_zstd_delta(int level) {
    return std::make_unique<ZstdDelta>(checked_level(Codec::zstd_delta, level, kLevelMax, 0));
}

}  // namespace dbbackup
