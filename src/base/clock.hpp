#pragma once

/// @file
/// Time as a dependency, so that tests decide what time it is. No clock ever decides whether
/// data is safe (docs/protocol.md); times in a repository are for people.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Tells the time. Safe to call from several threads at once.
class Clock {
public:
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    /// Wall-clock time, UTC; may jump either way between two calls.
    [[nodiscard]] virtual std::chrono::sys_time<std::chrono::milliseconds> now() const = 0;

protected:
    Clock() = default;
};

/// The machine's own clock.
class SystemClock final : public Clock {
public:
    [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override;
};

/// "2026-11-22T14:03:05.123Z" (RFC 3339, UTC).
[[nodiscard]] std::string format_rfc3339(std::chrono::sys_time<std::chrono::milliseconds> time);

/// How far clocks of this machine's time zone are ahead of UTC at `time`, in whole minutes; zero
/// when the system cannot tell.
[[nodiscard]] std::chrono::minutes utc_offset_here(
    std::chrono::sys_time<std::chrono::milliseconds> time);

/// What a person means by a time: from the first to the last millisecond of it.
struct TimeSpan {
    std::chrono::sys_time<std::chrono::milliseconds> first;
    std::chrono::sys_time<std::chrono::milliseconds> last;
    friend bool operator==(const TimeSpan&, const TimeSpan&) = default;
};

/// Reads RFC 3339 with any offset, or a prefix of it that people type: a date, or date and time
/// with a space or a T. Without an offset it is a time of this machine's time zone. It means all
/// of the day, minute, second or fraction of a second that is written. Nothing when `text` is not
/// a time.
[[nodiscard]] std::optional<TimeSpan> parse_time(std::string_view text);

}  // namespace dbbackup
