#pragma once

/// @file
/// Part of `restore`: archives in the place of snapshots.

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/command_context.hpp"

#include <string_view>

namespace dbbackup {

/// Whether what stands in the place of SNAPSHOT is the name of a file or a URL: it has a slash, or
/// a dot before a letter. No snapshot is called so, and what lies in the working folder does not
/// change what a command means.
[[nodiscard]] bool is_archive_name(std::string_view text) noexcept;

/// Restores an archive; needs no repository.
[[nodiscard]] ExitCode restore_archive_file(const RestoreArguments& arguments,
                                            CommandContext& context);

}  // namespace dbbackup
