#include "base/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string>

namespace dbbackup {

using Milliseconds = std::chrono::milliseconds;

std::chrono::sys_time<Milliseconds> SystemClock::now() const {
    return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
}

std::string format_rfc3339(std::chrono::sys_time<Milliseconds> time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::chrono::minutes utc_offset_here(std::chrono::sys_time<Milliseconds> time) {
    const auto seconds = static_cast<std::time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) {
        return std::chrono::minutes(0);
    }
    return std::chrono::floor<std::chrono::minutes>(std::chrono::seconds(local.tm_gmtoff));
}

namespace {

/// Takes exactly `digits` decimal digits off the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) {
        return std::nullopt;
    }
    int value = 0;
    for (std::size_t at = 0; at < digits; ++at) {
        if (text[at] < '0' || text[at] > '9') {
            return std::nullopt;
        }
        value = value * 10 + (text[at] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// What stands in a text, before it is known where its clock hangs.
struct Reading {
    std::chrono::sys_time<Milliseconds> shown;
    Milliseconds precision;
    std::optional<Milliseconds> offset;
};

/// Hours and minutes at least. Adds to the time of `reading` and sets its precision.
bool take_clock(std::string_view& text, Reading& reading) {
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ":")) {
        return false;
    }
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59) {
        return false;
    }
    reading.shown += std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    reading.precision = std::chrono::minutes(1);
    if (!take(text, ":")) {
        return true;
    }
    const auto second = take_digits(text, 2);
    if (!second || *second > 60) {
        return false;
    }
    reading.shown += std::chrono::seconds(*second);
    reading.precision = std::chrono::seconds(1);
    if (!take(text, ".")) {
        return true;
    }
    Milliseconds scale{1000};
    const std::size_t length = text.size();
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        scale /= 10;
        reading.shown += (text.front() - '0') * scale;
        text.remove_prefix(1);
    }
    reading.precision = std::max(scale, Milliseconds{1});
    return text.size() < length;
}

/// An offset at the end of the text, or none.
bool take_offset(std::string_view& text, std::optional<Milliseconds>& offset) {
    if (text.empty()) {
        return true;
    }
    if (take(text, "Zz")) {
        offset = Milliseconds{0};
        return true;
    }
    const bool behind = text.front() == '-';
    if (!take(text, "+-")) {
        return false;
    }
    const auto hour = take_digits(text, 2);
    take(text, ":");
    const auto minute = take_digits(text, 2);
    if (!hour || !minute || *hour > 23 || *minute > 59) {
        return false;
    }
    const Milliseconds ahead = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    offset = behind ? -ahead : ahead;
    return true;
}

std::optional<Reading> read_time(std::string_view text) {
    const auto year = take_digits(text, 4);
    if (!year || !take(text, "-")) {
        return std::nullopt;
    }
    const auto month = take_digits(text, 2);
    if (!month || !take(text, "-")) {
        return std::nullopt;
    }
    const auto day = take_digits(text, 2);
    if (!day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) {
        return std::nullopt;
    }
    Reading reading{std::chrono::sys_days(date), std::chrono::days(1), std::nullopt};
    if (text.empty()) {
        return reading;
    }
    if (!take(text, "Tt ") || !take_clock(text, reading) || !take_offset(text, reading.offset) ||
        !text.empty()) {
        return std::nullopt;
    }
    return reading;
}

/// The moment when clocks of this machine's time zone show what clocks of UTC show at `shown`.
/// Nothing when the system cannot tell.
std::optional<std::chrono::sys_time<Milliseconds>> moment_here(
    std::chrono::sys_time<Milliseconds> shown) {
    const auto day = std::chrono::floor<std::chrono::days>(shown);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{shown - day};
    std::tm local{};
    local.tm_year = static_cast<int>(date.year()) - 1900;
    local.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
    local.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
    local.tm_hour = static_cast<int>(clock.hours().count());
    local.tm_min = static_cast<int>(clock.minutes().count());
    local.tm_sec = static_cast<int>(clock.seconds().count());
    local.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&local);
    if (seconds == -1) {
        return std::nullopt;
    }
    return std::chrono::sys_time<Milliseconds>(std::chrono::seconds(seconds)) + clock.subseconds();
}

}  // namespace

std::optional<TimeSpan> parse_time(std::string_view text) {
    const std::optional<Reading> reading = read_time(text);
    if (!reading) {
        return std::nullopt;
    }
    const auto end = reading->shown + reading->precision;
    if (reading->offset) {
        return TimeSpan{reading->shown - *reading->offset,
                        end - *reading->offset - Milliseconds{1}};
    }
    const auto first = moment_here(reading->shown);
    if (!first) {
        return std::nullopt;
    }
    const bool is_day = reading->precision == std::chrono::days(1);
    // A day need not have 24 hours, but every other step lasts as long as it says.
    const auto next_day = is_day ? moment_here(end) : std::nullopt;
    return TimeSpan{*first, next_day.value_or(*first + reading->precision) - Milliseconds{1}};
}

}  // namespace dbbackup
