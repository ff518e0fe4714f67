#include "base/age.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::months;

constexpr Age kAgeMax = {months(12 * 1000), days(366 * 1000)};

/// The unit at the front of `text`, taken off it.
std::optional<Age> take_unit(std::string_view& text) {
    struct Unit {
        std::string_view name;
        Age length;
    };
    constexpr Unit kUnits[] = {{"y", {months(12), hours(0)}},
                               {"mo", {months(1), hours(0)}},
                               {"w", {months(0), days(7)}},
                               {"d", {months(0), days(1)}},
                               {"h", {months(0), hours(1)}}};
    for (const Unit& unit : kUnits) {
        if (text.starts_with(unit.name)) {
            text.remove_prefix(unit.name.size());
            return unit.length;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<Age> parse_age(std::string_view text) {
    Age age;
    while (!text.empty()) {
        std::uint32_t count = 0;
        const char* const end = text.data() + text.size();
        const auto [stopped, failed] = std::from_chars(text.data(), end, count);
        if (failed != std::errc()) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(stopped - text.data()));
        const std::optional<Age> unit = take_unit(text);
        if (!unit || count > static_cast<std::uint32_t>(kAgeMax.hours.count())) {
            return std::nullopt;
        }
        age.months += unit->months * static_cast<int>(count);
        age.hours += unit->hours * static_cast<int>(count);
        if (age.months > kAgeMax.months || age.hours > kAgeMax.hours) {
            return std::nullopt;
        }
    }
    return age == Age{} ? std::nullopt : std::optional(age);
}

std::string format_age(const Age& age) {
    std::string text;
    const auto add = [&text](std::int64_t count, std::string_view unit) {
        if (count != 0) {
            text += fmt::format("{}{} {}{}", text.empty() ? "" : " ", count, unit,
                                count == 1 ? "" : "s");
        }
    };
    add(age.months.count() / 12, "year");
    add(age.months.count() % 12, "month");
    // "36 hours" rather than "1 day 12 hours": as it was most likely written.
    const bool has_whole_days = age.hours % days(1) == hours(0);
    add(has_whole_days ? age.hours / days(1) : age.hours.count(), has_whole_days ? "day" : "hour");
    return text;
}

std::chrono::sys_time<std::chrono::milliseconds> time_before(
    std::chrono::sys_time<std::chrono::milliseconds> time, const Age& age) {
    const auto today = std::chrono::floor<days>(time);
    std::chrono::year_month_day day = std::chrono::year_month_day(today) - age.months;
    if (!day.ok()) {
        day = day.year() / day.month() / std::chrono::last;
    }
    return std::chrono::sys_days(day) + (time - today) - age.hours;
}

}  // namespace dbbackup
