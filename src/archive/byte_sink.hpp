#pragma once

/// @file
/// Where the bytes of an archive go, in order: a file, standard output, an upload.
///
/// Data path: connector -> archive writer -> [byte sink].

#include "base/bytes.hpp"

namespace dbbackup {

/// Used by one thread at a time, though not always the same: compression delivers from its workers.
class ByteSink {
public:
    ByteSink(const ByteSink&) = delete;
    ByteSink& operator=(const ByteSink&) = delete;
    virtual ~ByteSink() = default;

    /// Takes all of `content`, which follows what was given before. @throws Error; Cancelled.
    virtual void write(BytesView content) = 0;

protected:
    ByteSink() = default;
};

}  // namespace dbbackup
