#pragma once

/// @file
/// What `backup` says of what it took.

#include "engine/backup.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbbackup {

/// "waited up to 12 ms"
[[nodiscard]] std::string waited_text(std::chrono::milliseconds waited);

[[nodiscard]] double writers_waited_seconds(const BackupReport& report);

/// `backup --json`. @param repository Its URL; empty: an archive was made.
[[nodiscard]] nlohmann::ordered_json report_json(const BackupReport& report,
                                                 const BackupOptions& options,
                                                 const std::string& repository);

}  // namespace dbbackup
