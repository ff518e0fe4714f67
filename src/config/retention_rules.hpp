#pragma once

/// @file
/// What a person says about which snapshots to keep, in the configuration's `retention` section or
/// as --keep-… options. What the rules mean is in engine/retention.hpp.

#include "base/age.hpp"

#include <cstdint>
#include <optional>

namespace dbbackup {

/// What is sensible at most for a count, in the configuration and on the command line.
inline constexpr std::uint32_t kKeepMax = 1'000'000;

/// Each rule keeps snapshots by itself; a snapshot stays if any rule keeps it. 0 or nothing: the
/// rule is not given.
struct RetentionRules {
    std::uint32_t keep_last = 0;
    std::uint32_t keep_hourly = 0;
    std::uint32_t keep_daily = 0;
    std::uint32_t keep_weekly = 0;
    std::uint32_t keep_monthly = 0;
    std::uint32_t keep_yearly = 0;
    std::optional<Age> keep_within = {};

    /// No rule is given.
    [[nodiscard]] bool is_empty() const { return *this == RetentionRules{}; }
    friend bool operator==(const RetentionRules&, const RetentionRules&) = default;
};

}  // namespace dbbackup
