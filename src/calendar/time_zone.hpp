#pragma once

/// @file
/// Time zones, as the system's database of them has them (package tzdata). The only file that
/// knows which library reads it.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// What a wall clock of a zone means. A value, cheap to copy; safe to use from several threads.
class TimeZone {
public:
    /// "Europe/Berlin", "UTC", or "local" for the zone of this machine ($TZ, /etc/localtime).
    /// @throws ConfigError "timezone_unknown" with the nearest name there is.
    [[nodiscard]] static TimeZone find(std::string_view name);
    [[nodiscard]] static TimeZone utc();

    /// What a wall clock shows at a moment.
    [[nodiscard]] std::chrono::local_seconds local(std::chrono::sys_seconds time) const;

    /// When a wall clock shows something.
    struct Moments {
        std::chrono::sys_seconds first;  ///< Of a time that is skipped: when the clock jumps.
        /// Of a time that comes twice, because clocks are put back.
        std::optional<std::chrono::sys_seconds> second;
        bool is_skipped = false;  ///< The clock jumps over it, because clocks are put forward.
    };
    [[nodiscard]] Moments moments(std::chrono::local_seconds time) const;

    /// How far the wall clock is ahead of UTC all through a day, if nothing changes in it.
    [[nodiscard]] std::optional<std::chrono::seconds> offset_through(
        std::chrono::local_days day) const;

    /// As it was given; "local" is the zone's own name, where the system tells it.
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    TimeZone(std::string name, const void* zone) : name_(std::move(name)), zone_(zone) {}

    std::string name_;
    const void* zone_;  ///< The library's, which lives as long as the program.
};

}  // namespace dbbackup
