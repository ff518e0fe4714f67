#pragma once

/// @file
/// Tells what the outbox holds.

#include "base/clock.hpp"
#include "base/log.hpp"
#include "notify/notifier.hpp"
#include "notify/outbox.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Makes the receiver of a name; nothing for one that the configuration no longer has.
using FindNotifier = std::function<std::unique_ptr<Notifier>(const std::string& receiver)>;

/// Tells all that may be told now. What a receiver does not take is tried again later, for three
/// days; what it never will take is given up. Neither stops anything else: both are logged.
/// @param deadline Begins nothing after it. @throws OwnDatabaseError; Cancelled.
void deliver(Outbox& outbox, const FindNotifier& find, const Clock& clock,
             std::chrono::sys_seconds deadline, Log& log, std::stop_token stop);

}  // namespace dbbackup
