#pragma once

/// @file
/// How the one content of an archive that is a single compressed file becomes that file.
///
/// Data path: connector -> [encoder] -> byte sink.

#include "archive/byte_sink.hpp"
#include "config/enums.hpp"

#include <memory>
#include <stop_token>

namespace dbbackup {

/// Not thread-safe. Compresses on threads of its own; memory depends on their number only.
class Encoder {
public:
    Encoder(const Encoder&) = delete;
    Encoder& operator=(const Encoder&) = delete;
    virtual ~Encoder() = default;

    /// @throws what the sink throws; Cancelled.
    virtual void write(BytesView content) = 0;
    /// Once, at the end: everything was given to the sink then.
    virtual void finish() = 0;

protected:
    Encoder() = default;
};

/// gzip (one member, RFC 1952), zstd (one frame with a checksum, RFC 8878) or the bytes themselves.
/// @param sink Borrowed. @param jobs Threads that compress, at least 1.
/// @pre compression.kind is not zip.
[[nodiscard]] std::unique_ptr<Encoder> make_encoder(const Compression& compression, ByteSink& sink,
                                                    unsigned jobs, std::stop_token stop);

}  // namespace dbbackup
