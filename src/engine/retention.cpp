#include "engine/retention.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <set>
#include <string_view>
#include <tuple>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year_month_day;

/// A snapshot and what was found to keep it.
struct Candidate {
    const SnapshotSummary* snapshot;
    std::vector<std::string> reasons = {};
};

/// In every function below: of one source, newest first.
using Candidates = std::vector<Candidate>;

/// What clocks on the wall show; `shown` is to be read as if it were UTC.
struct WallTime {
    Time shown;
    minutes utc_offset;
};

// The names of the period that a time lies in. Two times lie in the same period exactly when the
// names are equal, so the reason that a person reads is the reason that counted.

/// "2026-10-25 02:00+01:00". The offset tells apart the two hours that clocks show alike when they
/// are set back.
std::string hour_of(const WallTime& time) {
    const auto today = std::chrono::floor<days>(time.shown);
    const std::chrono::hh_mm_ss offset(time.utc_offset);
    return fmt::format("{:%F} {:02}:00{}{:02}:{:02}", today,
                       std::chrono::floor<hours>(time.shown - today).count(),
                       offset.is_negative() ? '-' : '+', offset.hours().count(),
                       offset.minutes().count());
}
