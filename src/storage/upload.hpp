#pragma once

/// @file
/// Writing one object that is too large for memory, or whose size nobody knows before its end.
///
/// Data path: archive -> [upload] -> storage.

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "storage/object_name.hpp"

#include <stop_token>

namespace dbbackup {

/// Whether a write made the object or found that name taken.
enum class PutResult : bool { created, exists };

/// An object that is written piece by piece, and appears whole at `commit` or not at all. Dropped
/// without it, what was sent is removed as far as the store lets it be; `Storage` says what becomes
/// of the rest.
///
/// One thread at a time uses it, and not longer than the storage that began it. Memory is bounded,
/// however large the object. Calls throw as those of `Storage` do. After an error that says
/// `Retry::may_help` the same call may be made again with the same arguments, and goes on where it
/// stopped; after any other nothing is left but to drop it.
class Upload {
public:
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;
    virtual ~Upload() = default;

    /// Adds to the end. Pieces may be of any sizes, also empty.
    virtual void write(BytesView piece, std::stop_token stop) = 0;

    /// Makes the object, durably once this returns; never overwrites. Nothing is called after it.
    /// @throws StorageError also when a write before it has failed.
    virtual PutResult commit(std::stop_token stop) = 0;

protected:
    Upload() = default;
};

/// What `commit` throws when a write before it failed: a piece would be missing.
[[nodiscard]] StorageError unfinished_write(const ObjectName& name);

}  // namespace dbbackup
