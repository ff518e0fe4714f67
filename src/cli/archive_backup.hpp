#pragma once

/// @file
/// Part of `backup`: `--format archive`, which needs no repository.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"
#include "cli/hooks.hpp"
#include "cli/source_access.hpp"
#include "engine/backup.hpp"

namespace dbbackup {

/// @pre arguments.is_archive, and `--output` is given.
[[nodiscard]] ExitCode archive_backup(const BackupArguments& arguments, const SourceChoice& source,
                                      const BackupOptions& options, const Hooks& hooks,
                                      CommandContext& context);

}  // namespace dbbackup
