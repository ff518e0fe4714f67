#include "storage/cloud/http_date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace dbbackup {
namespace {

// Not by the C library's names, which follow the user's language.
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/// -1 for what is no number.
int number_in(std::string_view text) {
    int number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
    constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
    if (text.size() != kForm.size() || !text.ends_with(" GMT")) {
        return std::nullopt;
    }
    const auto month = std::ranges::find(kMonths, text.substr(8, 3));
    const std::chrono::year_month_day day(
        std::chrono::year(number_in(text.substr(12, 4))),
        std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
        std::chrono::day(static_cast<unsigned>(number_in(text.substr(5, 2)))));
    const int hour = number_in(text.substr(17, 2));
    const int minute = number_in(text.substr(20, 2));
    const int second = number_in(text.substr(23, 2));
    if (!day.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60) {
        return std::nullopt;
    }
    return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

std::string http_date(std::chrono::sys_seconds time) {
    const auto midnight = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day day(midnight);
    const std::chrono::hh_mm_ss clock(time - midnight);
    return fmt::format(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        kDays.at(std::chrono::weekday(midnight).c_encoding()), static_cast<unsigned>(day.day()),
        kMonths.at(static_cast<unsigned>(day.month()) - 1), static_cast<int>(day.year()),
        clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace dbbackup
