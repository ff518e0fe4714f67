#include "engine/retention.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

/// A snapshot and all that was found to keep it.
struct Candidate {
    const SnapshotSummary* snapshot = nullptr;
    std::vector<std::string> reasons = {};
};

/// The snapshots of one source, newest first.
using Candidates = std::vector<Candidate>;

// Two times lie in the same period exactly when its name is the same for both, so what a person
// reads as the reason is what was compared.

/// What clocks on the wall show at a time, written as if it were UTC.
struct WallTime {
    Time shown;
    minutes ahead;  ///< Of UTC.

    [[nodiscard]] sys_days day() const { return std::chrono::floor<days>(shown); }
    [[nodiscard]] year_month_day date() const { return day(); }
};

std::string year_of(const WallTime& time) {
    return fmt::format("{:04}", static_cast<int>(time.date().year()));
}

std::string month_of(const WallTime& time) {
    return fmt::format("{}-{:02}", year_of(time), static_cast<unsigned>(time.date().month()));
}

std::string day_of(const WallTime& time) {
    return fmt::format("{}-{:02}", month_of(time), static_cast<unsigned>(time.date().day()));
}

/// "2026-W47". Source: ISO 8601, 3.1.1.23: weeks begin on Monday, and week 1 of a year is the one
/// that its first Thursday lies in.
std::string week_of(const WallTime& time) {
    const days since_monday = std::chrono::weekday(time.day()) - std::chrono::Monday;
    const sys_days thursday = time.day() - since_monday + days(3);
    const year its_year = year_month_day(thursday).year();
    const auto before = (thursday - sys_days(its_year / std::chrono::January / 1)) / days(7);
    return fmt::format("{:04}-W{:02}", static_cast<int>(its_year), before + 1);
}

/// "2026-10-25 02:00+01:00". The offset tells apart the two hours that clocks show alike when they
/// are set back.
std::string hour_of(const WallTime& time) {
    const std::chrono::hh_mm_ss ahead(time.ahead);
    return fmt::format("{} {:02}:00{}{:02}:{:02}", day_of(time),
                       std::chrono::floor<hours>(time.shown - time.day()).count(),
                       ahead.is_negative() ? '-' : '+', ahead.hours().count(),
                       ahead.minutes().count());
}

struct PeriodRule {
    std::string_view name;
    std::uint32_t RetentionRules::* count;
    std::string (*period_of)(const WallTime&);
};

constexpr PeriodRule kPeriodRules[] = {{"hourly", &RetentionRules::keep_hourly, hour_of},
                                       {"daily", &RetentionRules::keep_daily, day_of},
                                       {"weekly", &RetentionRules::keep_weekly, week_of},
                                       {"monthly", &RetentionRules::keep_monthly, month_of},
                                       {"yearly", &RetentionRules::keep_yearly, year_of}};

WallTime wall_time(Time time, const RetentionContext& context) {
    // A wrong clock, and so a manifest, may say any time at all; names need one of four digits.
    const Time sane =
        std::clamp<Time>(time, sys_days(year(1) / 1 / 1), sys_days(year(9999) / 1 / 1));
    const minutes ahead = context.utc_offset(sane);
    return {sane + ahead, ahead};
}

void keep_last(std::uint32_t count, Candidates& candidates) {
    for (std::size_t at = 0; at < std::min<std::size_t>(count, candidates.size()); ++at) {
        candidates[at].reasons.push_back(fmt::format("last {} of {}", at + 1, count));
    }
}

void keep_newest_of_periods(const PeriodRule& rule, std::uint32_t count, Candidates& candidates,
                            const RetentionContext& context) {
    std::set<std::string> seen;
    for (Candidate& candidate : candidates) {
        if (seen.size() == count) {
            return;
        }
        // Not only the neighbour is compared: a clock that jumped may come back to a period.
        const std::string period = rule.period_of(wall_time(candidate.snapshot->begun_at, context));
        if (seen.insert(period).second) {
            candidate.reasons.push_back(
                fmt::format("{} {} of {} ({})", rule.name, seen.size(), count, period));
        }
    }
}

void keep_within(const Age& age, Candidates& candidates, const RetentionContext& context) {
    const Time first = time_before(context.now, age);
    for (Candidate& candidate : candidates) {
        const Time begun_at = candidate.snapshot->begun_at;
        if (begun_at >= first) {
            candidate.reasons.push_back(fmt::format(
                "within {}{}", format_age(age), begun_at > context.now ? " (in the future)" : ""));
        }
    }
}

void keep_pinned(Candidates& candidates, const RetentionContext& context) {
    for (Candidate& candidate : candidates) {
        if (const auto pin = context.pins.find(candidate.snapshot->id); pin != context.pins.end()) {
            candidate.reasons.push_back(fmt::format("pinned: {}", pin->second));
        }
    }
}

/// The newest may lack something that an older one has, so it must not be all that is left.
void keep_newest(Candidates& candidates) {
    candidates.front().reasons.emplace_back("newest of its source");
    const auto complete = std::ranges::find_if(
        candidates, [](const Candidate& candidate) { return !candidate.snapshot->is_incomplete; });
    if (complete != candidates.begin() && complete != candidates.end()) {
        complete->reasons.emplace_back("newest complete one of its source");
    }
}

/// To be called last, when it is known which differentials stay. A full refers to nothing, so one
/// round is enough.
void keep_fulls_of_differentials(Candidates& candidates) {
    std::set<SnapshotId> fulls;
    for (const Candidate& candidate : candidates) {
        const SnapshotSummary& snapshot = *candidate.snapshot;
        if (!candidate.reasons.empty() && snapshot.mode == BackupMode::differential &&
            snapshot.parent) {
            fulls.insert(*snapshot.parent);
        }
    }
    for (Candidate& candidate : candidates) {
        if (fulls.contains(candidate.snapshot->id)) {
            candidate.reasons.emplace_back("a differential that stays refers to it");
        }
    }
}

Candidates newest_first(const std::vector<SnapshotSummary>& snapshots) {
    Candidates candidates;
    for (const SnapshotSummary& snapshot : snapshots) {
        assert(snapshot.source_id == snapshots.front().source_id);
        candidates.push_back({&snapshot});
    }
    // Two hosts may have given the same number; ids decide, as they do for "latest".
    std::ranges::sort(candidates, std::ranges::greater(), [](const Candidate& candidate) {
        return std::tie(candidate.snapshot->sequence, candidate.snapshot->id);
    });
    return candidates;
}

}  // namespace

std::string RetentionDecision::text() const {
    return stays() ? fmt::format("stays: {}", fmt::join(reasons, ", ")) : "goes: no rule keeps it";
}

std::vector<RetentionDecision> apply_retention(const RetentionRules& rules,
                                               const std::vector<SnapshotSummary>& snapshots,
                                               const RetentionContext& context) {
    Candidates candidates = newest_first(snapshots);
    if (candidates.empty()) {
        return {};
    }
    if (rules.is_empty()) {
        for (Candidate& candidate : candidates) {
            candidate.reasons.emplace_back("no rule is given");
        }
    }
    keep_last(rules.keep_last, candidates);
    for (const PeriodRule& rule : kPeriodRules) {
        keep_newest_of_periods(rule, rules.*rule.count, candidates, context);
    }
    if (rules.keep_within) {
        keep_within(*rules.keep_within, candidates, context);
    }
    keep_pinned(candidates, context);
    keep_newest(candidates);
    keep_fulls_of_differentials(candidates);

    std::ranges::reverse(candidates);
    std::vector<RetentionDecision> newest_last;
    for (Candidate& candidate : candidates) {
        newest_last.push_back({candidate.snapshot->id, std::move(candidate.reasons)});
    }
    return newest_last;
}

}  // namespace dbbackup
