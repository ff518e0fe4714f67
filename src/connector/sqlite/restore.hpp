#pragma once

/// @file
/// Restoring SQLite databases: to a new path as a new file, or over an existing database through
/// SQLite itself; several into a folder.
///
/// Data path: storage -> unpacker -> [restore].

#include "connector/connector.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <vector>

namespace dbbackup::sqlite {

/// Looks at the target and decides how to write it: a file for a snapshot of one database, a
/// folder for one of several. If one of several was chosen, it is a file, unless the target ends
/// in a slash or is a folder.
/// @throws ConfigError (target_not_empty, target_is_source, target_not_a_database,
/// target_not_writable, target_missing_folder, target_has_journal, and those of `RestoreSet`) or
/// SourceError (target_full).
[[nodiscard]] std::unique_ptr<RestoreSession> make_restore_session(
    const RestoreRequest& request, const std::vector<StoredStream>& streams,
    std::chrono::milliseconds lock_timeout, std::stop_token stop);

/// The same for one database, to a file.
[[nodiscard]] std::unique_ptr<RestoreSession> make_file_session(
    const RestoreRequest& request, const StoredStream& stream,
    std::chrono::milliseconds lock_timeout, std::stop_token stop);

}  // namespace dbbackup::sqlite
