#pragma once

/// @file
/// What a service manager wants to know of us.
///
/// Source: sd_notify(3), "Notes": datagrams to the socket that $NOTIFY_SOCKET names, which needs no
/// library.

#include <chrono>
#include <optional>
#include <string_view>

namespace dbbackup {

/// Tells systemd, or who speaks as it does; nothing where nobody asked. Never fails: who does not
/// listen is not our matter. @param state Such as "READY=1" or "STOPPING=1", several in lines.
void tell_service_manager(std::string_view state) noexcept;

/// How often it wants a sign of life (WATCHDOG=1); half of what it waits for. Nothing when it does
/// not wait for any.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() noexcept;

}  // namespace dbbackup
