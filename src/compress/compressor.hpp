#pragma once

/// @file
/// ★ How the bytes of one chunk become fewer, and come back exactly.
///
/// Data path: chunker -> [compressor, inside the sealer] -> packer. A codec sees and returns the
/// plain bytes of a chunk; nothing above it knows how they are kept. Every promise made here is
/// checked for every codec by tests/conformance/compressor_suite.hpp.

#include "base/bytes.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace dbbackup {

/// Stands in the pack directory: numbers are part of the repository format, never renumbered.
enum class Codec : std::uint8_t {
    stored = 0,
    zstd = 1,
    gzip = 2,
    zstd_delta = 3,
    zstd_columns = 4,  ///< Delimited rows, column by column.
};

[[nodiscard]] std::string_view codec_name(Codec codec) noexcept;

/// What the codec may know about the bytes beside the bytes.
struct CompressHints {
    /// Non-zero when base and content are made of units of this many bytes that change in place
    /// (database pages), so that equal units at equal offsets need not be searched for.
    std::uint32_t aligned_unit_bytes = 0;
};

/// One codec at one level. One instance per thread: it keeps the codec's working memory.
class Compressor {
public:
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;
    virtual ~Compressor() = default;

    [[nodiscard]] virtual Codec codec() const noexcept = 0;

    /// Packs `content`, given the plain bytes of up to three bases (none for codecs that are no
    /// delta). Returns nothing when the result would be larger than `bytes_max`: the caller then
    /// takes another codec.
    virtual std::optional<Bytes> compress(BytesView content, std::span<const BytesView> bases,
                                          const CompressHints& hints, std::size_t bytes_max) = 0;

    /// Gives back exactly `content_bytes` plain bytes. `bases` are those of `compress`, in order.
    /// @throws CorruptionError when `packed` does not decode to that many bytes. Safe on any
    /// input: it never reads or writes out of bounds and allocates at most what is asked for.
    virtual Bytes decompress(BytesView packed, std::span<const BytesView> bases,
                             std::size_t content_bytes) = 0;

    /// `decompress` with the one base `base`, which becomes the content: a chain of deltas can be
    /// applied in one buffer. After an exception `base` holds anything.
    virtual void decompress_over(BytesView packed, Bytes& base, std::size_t content_bytes) {
        const BytesView view = base;
        base = decompress(packed, {&view, 1}, content_bytes);
    }

protected:
    Compressor() = default;
};

/// Whether `rows` are likely to take less with zstd-columns than with zstd. Looks at the first
/// rows.
[[nodiscard]] bool has_columns(BytesView rows);

/// A level of 0 means the codec's own default.
/// @throws ConfigError when this build has no such codec or the level is out of its range.
[[nodiscard]] std::unique_ptr<Compressor> make_compressor(Codec codec, int level);

}  // namespace dbbackup
