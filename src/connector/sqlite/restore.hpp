#pragma once

/// @file
/// Restoring a SQLite database: to a new path as a new file, or over an existing database through
/// SQLite itself.
///
/// Data path: storage -> unpacker -> [restore].

#include "connector/connector.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <vector>

namespace dbbackup::sqlite {

/// Looks at the target and decides how to write it.
/// @throws ConfigError (target_not_empty, target_is_source, target_not_a_database,
/// target_not_writable, target_missing_folder, target_has_journal) or SourceError (target_full).
[[nodiscard]] std::unique_ptr<RestoreSession> make_restore_session(
    const RestoreRequest& request, const std::vector<StoredStream>& streams,
    std::chrono::milliseconds lock_timeout, std::stop_token stop);

}  // namespace dbbackup::sqlite
