#pragma once

/// @file
/// What `doctor` tells about a repository: whether it is there, opens, can be written, and agrees
/// with this machine about the time.

#include "cli/command_context.hpp"
#include "cli/doctor_report.hpp"
#include "cli/repository_access.hpp"

#include <chrono>
#include <vector>

namespace dbbackup {

/// Writes one object that means nothing, and removes it where that is allowed.
[[nodiscard]] std::vector<Examined> examine_repository(const RepositoryChoice& choice,
                                                       CommandContext& context);

/// Whether a store's clock agrees with ours. Pure.
/// @param before, after By our clock, around what the store did at `stored_at` by its own.
[[nodiscard]] Check clock_check(std::chrono::sys_seconds before, std::chrono::sys_seconds after,
                                std::chrono::sys_seconds stored_at);

}  // namespace dbbackup
