#pragma once

/// @file
/// The last steps of a target that every way of restoring has: opening a database that is there,
/// and giving a new file its owner and its name.

#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/target.hpp"
#include "sys/file.hpp"
#include "sys/unfinished_file.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// Opens the database at `target`, so that what SQLite makes beside it belongs to its owner.
/// @param companions Outlives the connection.
/// @throws ConfigError (target_not_writable), SqliteError.
[[nodiscard]] std::unique_ptr<Database> open_for_writing(const Target& target,
                                                         const CompanionVfs& companions,
                                                         std::chrono::milliseconds lock_timeout,
                                                         std::stop_token stop);

/// Gives a new file the owner and mode that the definition tells, as far as this user may.
/// @throws FileError.
void set_ownership(const File& file, const Target& target, std::string_view definition,
                   std::vector<std::string>& warnings);

/// Names what was written. @throws ConfigError (target_not_empty, target_has_journal), FileError.
void give_name(UnfinishedFile& written, const Target& target);

/// Makes the new name durable. @throws SourceError (target_failed).
void sync_folder(const Target& target);

}  // namespace dbbackup::sqlite
