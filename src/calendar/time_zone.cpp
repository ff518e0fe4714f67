#include "calendar/time_zone.hpp"

#include "base/error.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <exception>
#include <utility>

namespace dbbackup {
namespace {

const date::time_zone& zone_of(const void* zone) {
    return *static_cast<const date::time_zone*>(zone);
}

/// The library's clock and the standard's differ in nothing but their names.
date::local_seconds to_date(std::chrono::local_seconds time) {
    return date::local_seconds(time.time_since_epoch());
}

}  // namespace

TimeZone TimeZone::find(std::string_view name) {
    try {
        if (name == "local") {
            const date::time_zone* const zone = date::current_zone();
            return {zone->name(), zone};
        }
        return {std::string(name), date::locate_zone(name)};
    } catch (const std::exception&) {
        throw explained<ConfigError>(
            fmt::format("the system knows no time zone '{}'", name),
            "Give a name such as Europe/Berlin, UTC, or local; the package tzdata brings them.",
            "timezone_unknown");
    }
}

TimeZone TimeZone::utc() { return find("UTC"); }

std::chrono::local_seconds TimeZone::local(std::chrono::sys_seconds time) const {
    return std::chrono::local_seconds(zone_of(zone_).to_local(time).time_since_epoch());
}

TimeZone::Moments TimeZone::moments(std::chrono::local_seconds time) const {
    const date::local_info info = zone_of(zone_).get_info(to_date(time));
    const auto with = [time](const date::sys_info& each) {
        return std::chrono::sys_seconds(time.time_since_epoch() - each.offset);
    };
    switch (info.result) {
        case date::local_info::nonexistent:
            return {.first = info.first.end, .second = {}, .is_skipped = true};
        case date::local_info::ambiguous:
            return {.first = with(info.first), .second = with(info.second)};
        default: return {.first = with(info.first), .second = {}};
    }
}

std::optional<std::chrono::seconds> TimeZone::offset_through(std::chrono::local_days day) const {
    const date::local_info info = zone_of(zone_).get_info(to_date(std::chrono::local_seconds(day)));
    if (info.result != date::local_info::unique) {
        return std::nullopt;
    }
    const std::chrono::sys_seconds begin(std::chrono::local_seconds(day).time_since_epoch() -
                                         info.first.offset);
    // Clocks that are put back at the day's end show some of it again.
    if (info.first.end < begin + std::chrono::days(2)) {
        return std::nullopt;
    }
    return info.first.offset;
}

}  // namespace dbbackup
