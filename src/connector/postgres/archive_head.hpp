#pragma once

/// @file
/// The beginning of an archive of `pg_dump --format=custom`, which tells when it was made: without
/// that, equal definitions are equal bytes.

#include "base/bytes.hpp"

namespace dbbackup::postgres {

/// Sees an archive part by part.
class ArchiveHead {
public:
    /// The part with the time in it overwritten; the bytes are valid until the next call. What is
    /// not laid out as expected is given back as it is, and so are archives whose head is cut.
    [[nodiscard]] BytesView without_time(BytesView part);

private:
    bool is_first_ = true;
    Bytes copy_;
};

}  // namespace dbbackup::postgres
