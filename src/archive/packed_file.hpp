#pragma once

/// @file
/// The bytes of an archive that is read back, in the order in which a decoder wants them.
///
/// Data path: [packed file] -> decoder -> connector.

#include "base/bytes.hpp"
#include "sys/file.hpp"

#include <cstdint>
#include <span>

namespace dbbackup {

/// A part of a file, read from its beginning to its end. Not thread-safe.
class PackedRange {
public:
    /// @param file Borrowed.
    PackedRange(const File& file, std::uint64_t begin, std::uint64_t end)
        : file_(file), offset_(begin), end_(end) {}

    /// The next bytes, at least one unless at the end. Valid until the next call.
    /// @throws FileError; CorruptionError when the file has become shorter.
    [[nodiscard]] BytesView next();

private:
    const File& file_;
    std::uint64_t offset_;
    std::uint64_t end_;
    Bytes buffer_;
};

/// Reads exactly these bytes. @throws CorruptionError when the file ends before; FileError.
[[nodiscard]] Bytes read_exactly(const File& file, std::uint64_t offset, std::size_t count);

}  // namespace dbbackup
