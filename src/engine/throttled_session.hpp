#pragma once

/// @file
/// Keeps a backup from reading its source faster than it may.
///
/// Data path: connector -> [throttle] -> stream writers.

#include "connector/connector.hpp"
#include "storage/throttled_storage.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace dbbackup {

/// A session whose `read` waits after each part that the source gave, so that the mean over some
/// seconds stays within the limit, by all readers together. The source feels that as a reader who
/// takes its time: nothing is kept in memory meanwhile.
/// @param bytes_per_s Nothing: `session` itself.
[[nodiscard]] std::unique_ptr<Session> throttled(
    std::unique_ptr<Session> session, std::optional<std::uint64_t> bytes_per_s,
    ThrottleEnvironment environment = ThrottleEnvironment::system());

}  // namespace dbbackup
