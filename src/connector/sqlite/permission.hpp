#pragma once

/// @file
/// What to tell people when a file may not be used: which file, by which user, and who may.

#include "base/error.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace dbbackup::sqlite {

/// "anna (1000)", or "1000" for a user without a name.
[[nodiscard]] std::string name_of_user(uid_t user);

/// The user whose permissions count for this process.
[[nodiscard]] std::string this_user();

/// "Run as anna (1000), who owns /srv/app.db, or as root."
[[nodiscard]] std::string run_as_owner_of(const std::filesystem::path& path);

/// Why looking at `path` or reading it ended with `error_number`. Code source_unreadable.
[[nodiscard]] SourceError unreadable(const std::filesystem::path& path, int error_number);

/// Of a database that has changes in its journal or log: the permission that bringing it in order
/// needs and this process does not have, on the file, its folder or its companions, as an error
/// with code source_unreadable. SQLite itself only says that it could not.
[[nodiscard]] std::optional<SourceError> missing_permission(const std::filesystem::path& database);

}  // namespace dbbackup::sqlite
