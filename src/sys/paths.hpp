#pragma once

/// @file
/// Where this user's data, cache and state live (XDG Base Directory Specification 0.8), and where
/// relative paths are.

#include <filesystem>
#include <string>

namespace dbbackup {

/// $XDG_DATA_HOME/db-backup, or ~/.local/share/db-backup. @throws ConfigError without a home.
[[nodiscard]] std::filesystem::path data_home();
[[nodiscard]] std::filesystem::path config_home();
[[nodiscard]] std::filesystem::path cache_home();
[[nodiscard]] std::filesystem::path state_home();

/// `path` as seen from the working folder. @throws ConfigError (code "working_folder_missing") when
/// it is relative and the working folder was removed or cannot be searched.
[[nodiscard]] std::filesystem::path absolute_path(const std::filesystem::path& path);

/// Who runs this program: the name of the effective user, or its number where it has none.
[[nodiscard]] std::string user_name();

}  // namespace dbbackup
