#pragma once

/// @file
/// Restoring parts of a snapshot into a database that is there and in use: one lost table, some
/// rows, a schema under another name.
///
/// Data path: storage -> unpacker -> [restore into]. All is done in one transaction of one
/// connection: whoever uses the database sees none of it or all of it, and a restore that dies
/// leaves the database as it was.

#include "connector/connector.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Null where the database is not there, or has nothing in it and can be made anew.
/// @param streams Of one database, with its schema. @param name Of the database in the target.
/// @throws SourceError; `inspect` of the session: ConfigError (target_not_empty,
/// target_table_missing, target_lacks and those of `ChosenParts`).
[[nodiscard]] std::unique_ptr<RestoreSession> make_restore_into(
    const RestoreRequest& request, const std::vector<StoredStream>& streams,
    const std::string& name, std::chrono::milliseconds lock_timeout, std::stop_token stop);

}  // namespace dbbackup::postgres
