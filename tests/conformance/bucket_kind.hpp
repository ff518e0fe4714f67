#pragma once

/// @file
/// The kinds of buckets and containers that the tests of stores make.

#include <cstdint>
#include <string>

namespace dbbackup {

/// What a bucket or container does with objects that are removed.
enum class BucketKind : std::uint8_t {
    plain,
    versioned,
    lockable,
    soft_deleting,  ///< Keeps what was deleted for a time, and no versions.
};

/// @param flavour Tells buckets of one kind apart that differ in something else.
inline std::string bucket_name(BucketKind kind, const std::string& flavour) {
    switch (kind) {
        case BucketKind::plain: return "plain-" + flavour;
        case BucketKind::versioned: return "versioned-" + flavour;
        case BucketKind::lockable: return "lockable-" + flavour;
        case BucketKind::soft_deleting: return "softly-" + flavour;
    }
    return "";
}

}  // namespace dbbackup
