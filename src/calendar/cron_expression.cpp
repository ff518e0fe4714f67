#include "calendar/cron_expression.hpp"

#include "base/error.hpp"
#include "calendar/spread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::local_days;
using std::chrono::sys_seconds;

constexpr std::size_t kFields = 5;
constexpr int kDaysAhead = 30 * 366;
constexpr unsigned kHoursOfDay = 24;
constexpr unsigned kMinutesOfHour = 60;

const std::array<CronFieldKind, kFields>& kinds() {
    using Extra = CronFieldKind::Extra;
    static const std::array<CronFieldKind, kFields> all = {{
        {.name = "minute", .first = 0, .last = 59, .hash_last = 59},
        {.name = "hour", .first = 0, .last = 23, .hash_last = 23},
        {.name = "day of the month",
         .first = 1,
         .last = 31,
         .hash_last = 28,  // Every month has those.
         .extra = Extra::last_day},
        {.name = "month",
         .first = 1,
         .last = 12,
         .hash_last = 12,
         .names = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV",
                   "DEC"}},
        {.name = "day of the week",
         .first = 0,
         .last = 7,
         .hash_last = 6,
         .names = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"},
         .extra = Extra::weekday},
    }};
    return all;
}

struct Nickname {
    std::string_view name;
    std::string_view fields;
};

constexpr std::array<Nickname, 7> kNicknames = {{{"@yearly", "0 0 1 1 *"},
                                                 {"@annually", "0 0 1 1 *"},
                                                 {"@monthly", "0 0 1 * *"},
                                                 {"@weekly", "0 0 * * 0"},
                                                 {"@daily", "0 0 * * *"},
                                                 {"@midnight", "0 0 * * *"},
                                                 {"@hourly", "0 * * * *"}}};

std::vector<std::string_view> words_of(std::string_view text) {
    constexpr std::string_view kBlank = " \t";
    std::vector<std::string_view> words;
    std::size_t end = 0;
    while (true) {
        const std::size_t begin = text.find_first_not_of(kBlank, end);
        if (begin == std::string_view::npos) {
            return words;
        }
        end = std::min(text.find_first_of(kBlank, begin), text.size());
        words.push_back(text.substr(begin, end - begin));
    }
}

std::string_view fields_of(std::string_view text) {
    if (!text.starts_with('@')) {
        return text;
    }
    const auto* const found =
        std::find_if(kNicknames.begin(), kNicknames.end(),
                     [text](const Nickname& each) { return each.name == text; });
    if (found == kNicknames.end()) {
        throw explained<ConfigError>(
            fmt::format("there is no schedule '{}'", text),
            "There are @hourly, @daily, @midnight, @weekly, @monthly, @annually and @yearly.",
            "cron_invalid");
    }
    return found->fields;
}

}  // namespace

CronExpression::CronExpression(std::string text, CronField minutes, CronField hours, CronField days,
                               CronField months, CronField weekdays)
    : text_(std::move(text)),
      minutes_(std::move(minutes)),
      hours_(std::move(hours)),
      days_(std::move(days)),
      months_(std::move(months)),
      weekdays_(std::move(weekdays)) {}

CronExpression CronExpression::parse(std::string_view text, std::string_view spread) {
    const std::vector<std::string_view> words = words_of(text);
    const std::vector<std::string_view> fields =
        words.size() == 1 ? words_of(fields_of(words.front())) : words;
    if (fields.size() != kFields) {
        throw explained<ConfigError>(
            fmt::format("the schedule '{}' has {} fields", text, fields.size()),
            "A schedule has five: minute hour day-of-month month day-of-week, such as 0 2 * * *.",
            "cron_invalid");
    }
    const auto field = [&](std::size_t each) {
        return CronField(kinds().at(each), fields.at(each), spread_of(spread, each));
    };
    CronExpression made(std::string(text), field(0), field(1), field(2), field(3), field(4));
    // Any eight years have every date that there is in those of this century.
    constexpr local_days kAnyDay = local_days(std::chrono::year(2024) / 1 / 1);
    constexpr int kEightYears = 8 * 366;
    for (int day = 0; day < kEightYears; ++day) {
        if (made.takes_day(kAnyDay + std::chrono::days(day))) {
            return made;
        }
    }
    throw explained<ConfigError>(fmt::format("no day ever fits the schedule '{}'", text),
                                 "See whether its month has such a day.", "cron_invalid");
}

bool CronExpression::takes_day(local_days day) const {
    const std::chrono::year_month_day date(day);
    if (!months_.takes(static_cast<unsigned>(date.month()))) {
        return false;
    }
    const auto number = static_cast<unsigned>(date.day());
    const auto last = static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
    const unsigned weekday = std::chrono::weekday(day).c_encoding();
    constexpr unsigned kWeek = 7;
    const std::vector<unsigned>& before_last = days_.before_last();
    const bool is_day = days_.takes(number) || std::find(before_last.begin(), before_last.end(),
                                                         last - number) != before_last.end();
    const bool is_weekday = weekdays_.takes(weekday) ||
                            weekdays_.takes_nth(weekday, (number - 1) / kWeek + 1) ||
                            (weekdays_.takes_last(weekday) && number + kWeek > last);
    if (days_.is_any() || weekdays_.is_any()) {
        return is_day && is_weekday;
    }
    return is_day || is_weekday;
}

bool CronExpression::takes_time(std::chrono::seconds since_midnight) const {
    const std::chrono::hh_mm_ss time(since_midnight);
    return time.seconds().count() == 0 &&
           hours_.takes(static_cast<unsigned>(time.hours().count())) &&
           minutes_.takes(static_cast<unsigned>(time.minutes().count()));
}

std::optional<sys_seconds> CronExpression::next(sys_seconds after, const TimeZone& zone) const {
    // What a clock shows may already have been, by at most a day: where clocks are put back.
    const local_days first =
        std::chrono::floor<std::chrono::days>(zone.local(after)) - std::chrono::days(1);
    for (int ahead = 0; ahead < kDaysAhead; ++ahead) {
        const local_days day = first + std::chrono::days(ahead);
        if (!takes_day(day)) {
            continue;
        }
        std::optional<sys_seconds> found = next_on(day, after, zone);
        if (!found) {
            continue;
        }
        // Clocks that are put back past midnight show the end of a day after the beginning of the
        // next.
        if (takes_day(day + std::chrono::days(1))) {
            if (const auto other = next_on(day + std::chrono::days(1), after, zone); other) {
                found = std::min(*found, *other);
            }
        }
        return found;
    }
    return std::nullopt;
}

std::optional<sys_seconds> CronExpression::next_on(local_days day, sys_seconds after,
                                                   const TimeZone& zone) const {
    const std::optional<std::chrono::seconds> offset = zone.offset_through(day);
    std::optional<sys_seconds> best;
    const auto consider = [&](sys_seconds time) {
        if (time > after && (!best || time < *best)) {
            best = time;
        }
    };
    for (unsigned hour = 0; hour < kHoursOfDay; ++hour) {
        for (unsigned minute = 0; hours_.takes(hour) && minute < kMinutesOfHour; ++minute) {
            if (!minutes_.takes(minute)) {
                continue;
            }
            const std::chrono::local_seconds local =
                day + std::chrono::hours(hour) + std::chrono::minutes(minute);
            if (offset) {
                consider(sys_seconds(local.time_since_epoch() - *offset));
                if (best) {
                    return best;  // Nothing earlier comes on such a day.
                }
                continue;
            }
            const TimeZone::Moments moments = zone.moments(local);
            if (!moments.is_skipped || !is_every_hour()) {
                consider(moments.first);
            }
            if (moments.second && is_every_hour()) {
                consider(*moments.second);
            }
        }
    }
    return best;
}

}  // namespace dbbackup
