#pragma once

/// @file
/// The kinds of buckets and containers that the tests of stores make.

#include <cstdint>

namespace dbbackup {

/// What a bucket or container does with objects that are removed.
enum class BucketKind : std::uint8_t {
    plain,
    versioned,
    lockable,
    soft_deleting,  ///< Keeps what was deleted for a time, and no versions.
};

}  // namespace dbbackup
