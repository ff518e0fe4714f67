#pragma once

/// @file
/// What a backup tells that no schedule takes.

#include "cli/command_context.hpp"
#include "config/config.hpp"
#include "schedule/job.hpp"

#include <string>

namespace dbbackup {

/// Tells the receivers of a source how its backup ended: each is tried at once, and what does not
/// arrive waits in the outbox for the next backup, or a scheduler. Never fails a backup: what goes
/// wrong here is logged. @param run Its status, exit code, snapshot, message and hint.
void tell_of_backup(const std::string& source, const SourceConfig& config, JobRun run,
                    const CommandContext& context) noexcept;

/// The run that the exception which is being handled ended; call it in a catch block.
[[nodiscard]] JobRun failed_run();

}  // namespace dbbackup
