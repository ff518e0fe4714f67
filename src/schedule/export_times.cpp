#include "schedule/export_times.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "calendar/spread.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::seconds;

constexpr unsigned kSecondsOfMinute = 60;
constexpr unsigned kMinutesOfHour = 60;
constexpr unsigned kHoursOfDay = 24;
constexpr unsigned kDaysOfWeek = 7;
constexpr unsigned kMinutesOfDay = kMinutesOfHour * kHoursOfDay;
constexpr unsigned kMinutesOfWeek = kMinutesOfDay * kDaysOfWeek;

/// `count` values from `first` on, each `step` later.
std::string every(unsigned first, unsigned step, unsigned end) {
    if (step == 1) {
        return "*";
    }
    std::vector<unsigned> values;
    for (unsigned value = first; value < end; value += step) {
        values.push_back(value);
    }
    return fmt::format("{}", fmt::join(values, ","));
}

/// The cron expression of an interval of whole minutes; nothing where the calendar has none.
std::optional<std::string> interval_text(std::uint64_t minutes, std::uint64_t spread) {
    if (minutes == 0) {
        return std::nullopt;
    }
    const auto offset = static_cast<unsigned>(spread % minutes);
    const unsigned minute = offset % kMinutesOfHour;
    const unsigned hour = offset / kMinutesOfHour % kHoursOfDay;
    if (kMinutesOfHour % minutes == 0) {
        return fmt::format("{} * * * *",
                           minutes == kMinutesOfHour
                               ? fmt::format("{}", offset)
                               : every(offset, static_cast<unsigned>(minutes), kMinutesOfHour));
    }
    if (minutes % kMinutesOfHour == 0 && kMinutesOfDay % minutes == 0) {
        const auto hours = static_cast<unsigned>(minutes) / kMinutesOfHour;
        return fmt::format("{} {} * * *", minute,
                           every(offset / kMinutesOfHour, hours, kHoursOfDay));
    }
    if (minutes == kMinutesOfWeek) {
        return fmt::format("{} {} * * {}", minute, hour, offset / kMinutesOfDay);
    }
    return std::nullopt;
}

std::string needed_interval(seconds length, std::uint64_t spread) {
    const auto count = static_cast<std::uint64_t>(length.count());
    std::optional<std::string> text;
    if (count % kSecondsOfMinute == 0) {
        text = interval_text(count / kSecondsOfMinute, spread);
    }
    if (!text) {
        throw explained<ConfigError>(
            fmt::format("'every: {}' has no place in a calendar", format_duration(length)),
            "Use a part of an hour or of a day, as 15m or 6h, a day or a week; or let the "
            "scheduler itself run this job.",
            "not_exportable");
    }
    return *text;
}

/// The longest one that is no longer than half of a goal: a run may fail, and take its time.
std::pair<unsigned, std::string> half_of(seconds goal, std::uint64_t spread) {
    const auto half = static_cast<std::uint64_t>(goal.count()) / 2 / kSecondsOfMinute;
    for (std::uint64_t minutes = std::min<std::uint64_t>(half, kMinutesOfDay); minutes > 0;
         --minutes) {
        if (const auto text = interval_text(minutes, spread)) {
            return {static_cast<unsigned>(minutes), *text};
        }
    }
    throw explained<ConfigError>(
        fmt::format("'rpo: {}' is too short for other schedulers", format_duration(goal)),
        "Let the scheduler itself run this job.", "not_exportable");
}

}  // namespace

ExportTimes export_times(const ScheduleConfig& schedule, std::string_view spread) {
    const std::uint64_t part = spread_of(spread, 0);
    if (schedule.every) {
        return {CronExpression::parse(needed_interval(*schedule.every, part), spread), "", ""};
    }
    if (schedule.goal) {
        const auto [minutes, text] = half_of(*schedule.goal, part);
        return {CronExpression::parse(text, spread), "",
                fmt::format("The goal of {} is a backup every {} here, however long backups take.",
                            format_duration(*schedule.goal),
                            format_duration(std::chrono::minutes(minutes)))};
    }
    return {CronExpression::parse(schedule.cron, spread),
            schedule.timezone == "local" ? "" : schedule.timezone, ""};
}

}  // namespace dbbackup
