#pragma once

/// @file
/// Writing a large file through the page cache without filling it: what is written goes to the disk
/// at once, and leaves the cache soon after (docs/decisions/0006). The sync at the end then finds
/// little to do.

#include "base/bytes.hpp"
#include "base/guarded.hpp"
#include "sys/file.hpp"

#include <cstdint>
#include <deque>
#include <utility>

namespace dbbackup {

/// Safe to use from several threads for places that do not overlap.
class WriteBehind {
public:
    /// @param file Outlives the writer.
    explicit WriteBehind(File& file) : file_(file) {}

    /// Writes all of `content`; not durable before `File::sync`. @throws FileError.
    void write_at(std::uint64_t offset, BytesView content);

private:
    using Range = std::pair<std::uint64_t, std::uint64_t>;  ///< Offset and length in bytes.

    File& file_;
    Guarded<std::deque<Range>> begun_;
};

}  // namespace dbbackup
