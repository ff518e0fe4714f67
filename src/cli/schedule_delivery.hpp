#pragma once

/// @file
/// Notifications of this configuration, from the outbox to their receivers.

#include "cli/command_context.hpp"
#include "notify/outbox.hpp"

#include <chrono>
#include <stop_token>

namespace dbbackup {

/// Tells what may be told now, for so long at most. @throws OwnDatabaseError; Cancelled.
void tell_outbox(Outbox& outbox, const LoadedConfig& loaded, const CommandContext& context,
                 std::chrono::seconds time_max, std::stop_token stop);

}  // namespace dbbackup
