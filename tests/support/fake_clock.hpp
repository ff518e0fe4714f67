#pragma once

/// @file
/// A clock that stands still until a test moves it.

#include "base/clock.hpp"

#include <atomic>
#include <chrono>

namespace dbbackup {

/// Safe to use from several threads.
class FakeClock final : public Clock {
public:
    using Time = std::chrono::sys_time<std::chrono::milliseconds>;

    /// @param now 2026-11-22T14:00:00Z unless a test says otherwise.
    explicit FakeClock(Time now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) +
                                  std::chrono::hours(14))
        : now_(now) {}

    [[nodiscard]] Time now() const override { return now_.load(); }
    void advance(std::chrono::milliseconds by) { now_ = now_.load() + by; }

private:
    std::atomic<Time> now_;
};

}  // namespace dbbackup
