#include "calendar/cron_field.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace dbbackup {
namespace {

constexpr unsigned kWeeksOfMonth = 5;
constexpr unsigned kDaysOfWeek = 7;
constexpr unsigned kDaysBeforeLast = 30;

[[noreturn]] void refuse(const CronFieldKind& kind, std::string_view item, std::string_view why) {
    throw explained<ConfigError>(
        fmt::format("'{}' is no {}{}", item, kind.name, why),
        "A schedule has five fields: minute hour day-of-month month day-of-week.", "cron_invalid");
}

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

bool is_same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::toupper(static_cast<unsigned char>(a)) ==
               std::toupper(static_cast<unsigned char>(b));
    });
}

unsigned value_of(const CronFieldKind& kind, std::string_view text, std::string_view item) {
    for (std::size_t each = 0; each < kind.names.size(); ++each) {
        if (is_same_word(text, kind.names[each])) {
            return kind.first + static_cast<unsigned>(each);
        }
    }
    const std::optional<unsigned> value = number(text);
    if (!value) {
        refuse(kind, item, "");
    }
    if (*value < kind.first || *value > kind.last) {
        refuse(kind, item, fmt::format(" from {} to {}", kind.first, kind.last));
    }
    return *value;
}

struct Range {
    unsigned first;
    unsigned last;
};

Range range_of(const CronFieldKind& kind, std::string_view text, std::string_view item) {
    const std::size_t dash = text.find('-');
    const unsigned first = value_of(kind, text.substr(0, dash), item);
    if (dash == std::string_view::npos) {
        return {first, first};
    }
    unsigned last = value_of(kind, text.substr(dash + 1), item);
    // SUN is both the first and the last day: FRI-SUN ends with it.
    if (kind.extra == CronFieldKind::Extra::weekday && last == 0 && first > 0) {
        last = kDaysOfWeek;
    }
    if (last < first) {
        refuse(kind, item, ": its end is before its beginning");
    }
    return {first, last};
}

}  // namespace

CronField::CronField(const CronFieldKind& kind, std::string_view text, std::uint64_t spread)
    : is_any_(text.starts_with('*') || text == "?") {
    const unsigned last = kind.extra == CronFieldKind::Extra::weekday ? kDaysOfWeek - 1 : kind.last;
    for (unsigned value = kind.first; value <= last; ++value) {
        all_ |= std::uint64_t{1} << value;
    }
    std::size_t begin = 0;
    while (true) {
        const std::size_t comma = text.find(',', begin);
        parse_item(kind, text.substr(begin, comma - begin), spread);
        if (comma == std::string_view::npos) {
            return;
        }
        begin = comma + 1;
    }
}

std::vector<unsigned> CronField::values() const {
    std::vector<unsigned> values;
    for (unsigned value = 0; values_ >> value != 0; ++value) {
        if (takes(value)) {
            values.push_back(value);
        }
    }
    return values;
}

bool CronField::has_weeks() const {
    return last_weekdays_ != 0 ||
           std::any_of(nth_.begin(), nth_.end(), [](std::uint8_t nth) { return nth != 0; });
}

void CronField::parse_item(const CronFieldKind& kind, std::string_view item, std::uint64_t spread) {
    if ((kind.extra == CronFieldKind::Extra::last_day && parse_day_of_month(item)) ||
        (kind.extra == CronFieldKind::Extra::weekday && parse_weekday(kind, item))) {
        return;
    }
    const std::size_t slash = item.find('/');
    const std::string_view base = item.substr(0, slash);
    unsigned step = 1;
    if (slash != std::string_view::npos) {
        const std::optional<unsigned> given = number(item.substr(slash + 1));
        if (!given || *given == 0 || *given > kind.last) {
            refuse(kind, item, fmt::format(": the step has to be from 1 to {}", kind.last));
        }
        step = *given;
    }
    const bool has_step = slash != std::string_view::npos;
    Range range{};
    if (base == "*" || (base == "?" && !has_step)) {
        range = {kind.first, kind.last};
    } else if (!base.empty() && base.front() == 'H') {
        range = {kind.first, kind.hash_last};
        if (base.size() > 1) {
            if (base[1] != '(' || base.back() != ')') {
                refuse(kind, item, "");
            }
            range = range_of(kind, base.substr(2, base.size() - 3), item);
        }
        const unsigned count = range.last - range.first + 1;
        range.first += static_cast<unsigned>(spread % (has_step ? std::min(step, count) : count));
        range.last = has_step ? range.last : range.first;
    } else {
        range = range_of(kind, base, item);
        if (has_step && base.find('-') == std::string_view::npos) {
            range.last = kind.last;  // 5/15: from 5 on.
        }
    }
    for (unsigned value = range.first; value <= range.last; value += step) {
        const bool is_sunday = kind.extra == CronFieldKind::Extra::weekday && value == kDaysOfWeek;
        values_ |= std::uint64_t{1} << (is_sunday ? 0 : value);
    }
}

bool CronField::parse_day_of_month(std::string_view item) {
    if (item == "L") {
        before_last_.push_back(0);
        return true;
    }
    if (!item.starts_with("L-")) {
        return false;
    }
    const std::optional<unsigned> before = number(item.substr(2));
    if (!before || *before > kDaysBeforeLast) {
        throw explained<ConfigError>(
            fmt::format("'{}' is no day of a month", item),
            fmt::format("L-3 is the day three before the last one; at most L-{} is possible.",
                        kDaysBeforeLast),
            "cron_invalid");
    }
    before_last_.push_back(*before);
    return true;
}

bool CronField::parse_weekday(const CronFieldKind& kind, std::string_view item) {
    if (item.size() > 1 && item.back() == 'L') {
        last_weekdays_ |= 1U << value_of(kind, item.substr(0, item.size() - 1), item) % kDaysOfWeek;
        return true;
    }
    const std::size_t hash = item.find('#');
    if (hash == std::string_view::npos) {
        return false;
    }
    const std::optional<unsigned> nth = number(item.substr(hash + 1));
    if (!nth || *nth == 0 || *nth > kWeeksOfMonth) {
        refuse(kind, item, ": after # comes a number from 1 to 5");
    }
    nth_[value_of(kind, item.substr(0, hash), item) % kDaysOfWeek] |=
        static_cast<std::uint8_t>(1U << *nth);
    return true;
}

}  // namespace dbbackup
