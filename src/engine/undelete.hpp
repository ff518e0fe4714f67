#pragma once

/// @file
/// Bringing back what was removed behind the repository's back, where the store keeps that.

#include "base/clock.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// What was brought back, or would be.
struct UndeleteReport {
    std::vector<ObjectName> objects;  ///< Manifests last.
    std::uint64_t bytes = 0;
};

/// Brings back every object of the place whose content is there, and that only seems to be removed.
/// What `prune` removes leaves nothing behind, so all of it was removed by something else. Needs no
/// repository that opens: its `config` may be among them. Where new objects are locked, these are.
/// @throws ConfigError (code "undelete_unsupported"), StorageError, Cancelled.
[[nodiscard]] UndeleteReport undelete(Storage& storage, bool is_dry_run, const Clock& clock,
                                      std::stop_token stop);

}  // namespace dbbackup
