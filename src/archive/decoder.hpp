#pragma once

/// @file
/// Gets the content of an archive back. Every byte is from outside: what does not decode to its
/// very end is damage.
///
/// Data path: packed file -> [decoder] -> connector.

#include "archive/packed_file.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

namespace dbbackup {

/// Not thread-safe.
class Decoder {
public:
    /// Takes each part of the content. It may throw.
    using Visit = std::function<void(BytesView part)>;

    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    virtual ~Decoder() = default;

    /// Decodes everything; called once. @throws CorruptionError when it does not decode; FileError;
    /// Cancelled; what `visit` throws.
    virtual void decode(const Visit& visit, std::stop_token stop) = 0;

protected:
    Decoder() = default;
};

/// How the content of a range is packed.
enum class Packing : std::uint8_t {
    stored,
    gzip,     ///< One member or several.
    zstd,     ///< One frame or several.
    deflate,  ///< Raw, as zip keeps it.
};

[[nodiscard]] std::unique_ptr<Decoder> make_decoder(Packing packing, PackedRange range);

}  // namespace dbbackup
