#pragma once

/// @file
/// How old something may be, as people say it: "30d", "1y6mo".

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Years and months have no fixed length, so they are kept apart from what has.
struct Age {
    std::chrono::months months{0};  ///< Of which twelve are a year.
    std::chrono::hours hours{0};    ///< Days of 24 hours, weeks of seven days.
    friend bool operator==(const Age&, const Age&) = default;
};

/// Reads whole numbers of y, mo, w, d and h, alone or one after the other: "36h", "30d", "1y6mo".
/// Nothing when `text` is no age, is zero or more than a thousand years. There is no "m": some
/// would mean minutes by it and some months, and who errs loses snapshots.
[[nodiscard]] std::optional<Age> parse_age(std::string_view text);

/// "1 year 6 months", "30 days", "36 hours".
[[nodiscard]] std::string format_age(const Age& age);

/// The time that is `age` before `time`. Months go back by the calendar of UTC, to the last day of
/// a month that is shorter: a month before 31 March is 28 or 29 February.
[[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> time_before(
    std::chrono::sys_time<std::chrono::milliseconds> time, const Age& age);

}  // namespace dbbackup
