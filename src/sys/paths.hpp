#pragma once

/// @file
/// Where this user's data, cache and state live (XDG Base Directory Specification 0.8).

#include <filesystem>

namespace dbbackup {

/// $XDG_DATA_HOME/db-backup, or ~/.local/share/db-backup. @throws ConfigError without a home.
[[nodiscard]] std::filesystem::path data_home();
[[nodiscard]] std::filesystem::path config_home();
[[nodiscard]] std::filesystem::path cache_home();
[[nodiscard]] std::filesystem::path state_home();

}  // namespace dbbackup
