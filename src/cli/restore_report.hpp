#pragma once

/// @file
/// What `restore` says of what it wrote, or would write.

#include "base/error.hpp"
#include "cli/command_context.hpp"
#include "engine/restore.hpp"

#include <optional>
#include <string>

namespace dbbackup {

/// What was restored, where that is no snapshot.
struct RestoredArchive {
    std::string place;  ///< A path or URL.
    std::string kind;   ///< "gzip", "SQLite file" ...
    bool is_checksum_verified = false;
};

/// Warnings on stderr, the result on stdout. @return The exit code of the command.
[[nodiscard]] ExitCode report_restore(const RestoreOutcome& outcome, const RestoreOptions& options,
                                      const std::optional<RestoredArchive>& archive,
                                      CommandContext& context);

}  // namespace dbbackup
