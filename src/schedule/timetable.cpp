#include "schedule/timetable.hpp"

#include "base/units.hpp"
#include "calendar/spread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

/// After the second failure in a row, and doubled with each further one.
constexpr seconds kFirstPause = std::chrono::minutes(1);
constexpr unsigned kDoublings = 5;

/// A backup of this age is followed by the next, so that this one is done, or tried again, in time.
seconds lead_of(const Goal& goal, const JobPast& past) {
    constexpr int kShare = 4;
    return std::clamp(2 * past.usual_duration, goal.age / kShare, goal.age / 2);
}

sys_seconds next_for(const Goal& goal, const JobPast& past) {
    if (!past.newest_good) {
        // Never yet, or never well: at once, and then with pauses.
        const seconds pause = kFirstPause * (1U << std::min(past.failures, kDoublings));
        return past.last_end ? *past.last_end + pause : sys_seconds();
    }
    const sys_seconds due = *past.newest_good + goal.age - lead_of(goal, past);
    if (past.failures == 0 || !past.last_end) {
        return due;
    }
    return std::max(due,
                    *past.last_end + kFirstPause * (1U << std::min(past.failures - 1, kDoublings)));
}

/// As it would be written in the configuration: "90m", "1h".
std::string span_text(seconds span) {
    struct Unit {
        std::int64_t length;
        char letter;
    };
    constexpr std::array<Unit, 3> kUnits = {{{86400, 'd'}, {3600, 'h'}, {60, 'm'}}};
    for (const Unit& unit : kUnits) {
        if (span.count() % unit.length == 0) {
            return fmt::format("{}{}", span.count() / unit.length, unit.letter);
        }
    }
    return fmt::format("{}s", span.count());
}

}  // namespace

Timetable Timetable::of_cron(std::string_view text, std::string_view zone,
                             std::string_view spread) {
    return {CronExpression::parse(text, spread), TimeZone::find(zone)};
}

Timetable Timetable::of_interval(seconds length, std::string_view spread) {
    const auto count = static_cast<std::uint64_t>(length.count());
    return {Interval{.length = length, .offset = seconds(spread_of(spread, 0) % count)},
            TimeZone::utc()};
}

Timetable Timetable::of_goal(seconds age) { return {Goal{age}, TimeZone::utc()}; }

std::optional<sys_seconds> Timetable::next(sys_seconds after, const JobPast& past) const {
    if (const CronExpression* const expression = cron(); expression != nullptr) {
        return expression->next(after, zone_);
    }
    if (const Interval* const each = interval(); each != nullptr) {
        const seconds since = after.time_since_epoch() - each->offset;
        const auto rounds = std::chrono::floor<seconds>(since) / each->length;
        return sys_seconds(each->offset + (rounds + 1) * each->length);
    }
    return next_for(*goal(), past);
}

std::string Timetable::text() const {
    if (cron() != nullptr) {
        return fmt::format("{} {}", cron()->text(), zone_.name());
    }
    if (interval() != nullptr) {
        return fmt::format("every {}", span_text(interval()->length));
    }
    return fmt::format("rpo {}", span_text(goal()->age));
}

}  // namespace dbbackup
