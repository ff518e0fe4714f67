#pragma once

/// @file
/// Restoring into a PostgreSQL database.
///
/// Data path: storage -> unpacker -> [restore]. The database is built under another name, and gets
/// its own when it is whole: a restore that dies leaves nothing that looks done, and what was there
/// before stays until then.

#include "connector/connector.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <vector>

namespace dbbackup::postgres {

/// Looks at the target: the URI of a server and, in its path, the database's new name; without one
/// the name is that of the source.
/// Parts that were selected go into a database that is there (restore_into.hpp).
/// @throws ConfigError (target_not_empty, target_not_writable, target_is_one_database,
/// bad_source_uri, selection_not_supported), SourceError.
[[nodiscard]] std::unique_ptr<RestoreSession> make_restore_session(
    const RestoreRequest& request, const std::vector<StoredStream>& streams,
    std::chrono::milliseconds lock_timeout, std::stop_token stop);

}  // namespace dbbackup::postgres
