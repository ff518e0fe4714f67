#pragma once

/// @file
/// Waiting for nothing but time.

#include <chrono>
#include <stop_token>

namespace dbbackup {

/// Returns after `time`, or as soon as `stop` fires.
void wait_unless_stopped(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace dbbackup
