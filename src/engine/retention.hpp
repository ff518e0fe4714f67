#pragma once

/// @file
/// Which snapshots of a source stay and which go, and why: the rules of `prune` as one pure
/// function. It removes nothing; it only answers.
///
/// A snapshot stays if any of these keeps it:
/// - **last N**: it is one of the N newest.
/// - **hourly, daily, weekly, monthly, yearly N**: it is the newest of its hour, day, … and that is
///   one of the N newest that have a snapshot. A day without a backup does not use up the count. A
///   week is that of ISO 8601, from Monday. Where clocks are set back, both hours count.
/// - **within AGE**: it was begun at most that long before now.
/// - It has a pin.
/// - It is the newest of its source, or the newest complete one.
/// - It is the full that a differential refers to which stays.
/// Without any rule everything stays: no rules never mean "keep nothing".
///
/// Clocks are not trusted. "Newest" is always by sequence number, which no clock decides; a time
/// only says into which hour, day, … a snapshot falls. So a backup that was made while the clock
/// stood at 2099 takes up one place of a count, as any other would, until newer ones take it; it
/// never counts as newer than what came after it. "Within" asks the clock of who prunes and not the
/// newest snapshot, for the same reason. A snapshot from the future is within every age, since
/// nothing shows that it is old.
///
/// What stays, stays when asked again: the same rules at the same time never remove more. Larger
/// counts and ages never keep less.

#include "config/retention_rules.hpp"
#include "repository/snapshot.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace dbbackup {

/// What the answer depends on beside the rules and the snapshots.
struct RetentionContext {
    Time now;  ///< By the clock of who prunes.
    /// How far clocks are ahead of UTC at a time, in the zone in which days begin and end.
    std::function<std::chrono::minutes(Time)> utc_offset;
    std::map<SnapshotId, std::string> pins = {};  ///< Snapshots that must stay, with the reason.
};

/// The answer for one snapshot.
struct RetentionDecision {
    SnapshotId snapshot;
    /// All that keeps it, in words: "daily 3 of 7 (2026-11-21)", "last 1 of 5", "within 30 days".
    /// None: it goes.
    std::vector<std::string> reasons;

    [[nodiscard]] bool stays() const { return !reasons.empty(); }
    /// "stays: last 1 of 5, newest of its source" or "goes: no rule keeps it".
    [[nodiscard]] std::string text() const;
};

/// Decides about each of `snapshots`, which are of one source, in any order.
/// @return One decision for each, newest last. The newest stays in any case: whoever wants it gone
/// has to name it.
[[nodiscard]] std::vector<RetentionDecision> apply_retention(
    const RetentionRules& rules, const std::vector<SnapshotSummary>& snapshots,
    const RetentionContext& context);

}  // namespace dbbackup
