#include "base/clock.hpp"

#include <fmt/format.h>

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

std::optional<Milliseconds> take_clock(std::string_view& text) {
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ":")) {
        return std::nullopt;
    }
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59) {
        return std::nullopt;
    }
    Milliseconds sum = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    if (!take(text, ":")) {
        return sum;
    }
    const auto second = take_digits(text, 2);
    if (!second || *second > 60) {
        return std::nullopt;
    }
    sum += std::chrono::seconds(*second);
    if (take(text, ".")) {
        int scale = 100;
        bool any = false;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            sum += Milliseconds((text.front() - '0') * scale);
            scale /= 10;
            any = true;
            text.remove_prefix(1);
        }
        if (!any) {
            return std::nullopt;
        }
    }
    return sum;
}

std::optional<Milliseconds> take_offset(std::string_view& text) {
    if (text.empty() || take(text, "Zz")) {
        return Milliseconds{0};
    }
    const bool behind = text.front() == '-';
    if (!take(text, "+-")) {
        return std::nullopt;
    }
    const auto hour = take_digits(text, 2);
    take(text, ":");
    const auto minute = take_digits(text, 2);
    if (!hour || !minute || *hour > 23 || *minute > 59) {
        return std::nullopt;
    }
    const Milliseconds offset = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    return behind ? -offset : offset;
}

}  // namespace

std::optional<std::chrono::sys_time<Milliseconds>> parse_time(std::string_view text) {
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
    std::chrono::sys_time<Milliseconds> time = std::chrono::sys_days(date);
    if (text.empty()) {
        return time;
    }
    if (!take(text, "Tt ")) {
        return std::nullopt;
    }
    const auto clock = take_clock(text);
    if (!clock) {
        return std::nullopt;
    }
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) {
        return std::nullopt;
    }
    return time + *clock - *offset;
}

}  // namespace dbbackup
