#pragma once

/// @file
/// One field of a cron expression: the values that it takes.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// What a field may say.
struct CronFieldKind {
    std::string_view name;  ///< For messages: "minute".
    unsigned first;
    unsigned last;
    unsigned hash_last;                        ///< H takes none after it.
    std::vector<std::string_view> names = {};  ///< Of the values from `first` on.
    enum class Extra : unsigned char { none, last_day, weekday } extra = Extra::none;
};

/// One field. Immutable once it is parsed.
class CronField {
public:
    /// @param spread Decides what `H` takes; another for each field.
    /// @throws ConfigError "cron_invalid".
    CronField(const CronFieldKind& kind, std::string_view text, std::uint64_t spread);

    [[nodiscard]] bool takes(unsigned value) const { return (values_ >> value & 1U) != 0; }
    /// All that it takes, in order; of weekdays, Sunday is 0.
    [[nodiscard]] std::vector<unsigned> values() const;
    /// Its text begins with `*` or is `?`: in the two fields of days, the other one decides.
    [[nodiscard]] bool is_any() const { return is_any_; }
    [[nodiscard]] bool is_every() const { return values_ == all_; }
    /// `L`, `L-3`: that many days before the last one of the month.
    [[nodiscard]] const std::vector<unsigned>& before_last() const { return before_last_; }
    /// `MON#2`: whether the second Monday is taken. @param nth From 1.
    [[nodiscard]] bool takes_nth(unsigned weekday, unsigned nth) const {
        return (nth_[weekday] >> nth & 1U) != 0;
    }
    /// `FRI L`: the last Friday of the month.
    [[nodiscard]] bool takes_last(unsigned weekday) const {
        return (last_weekdays_ >> weekday & 1U) != 0;
    }
    /// Whether one of the last two is there.
    [[nodiscard]] bool has_weeks() const;

private:
    void parse_item(const CronFieldKind& kind, std::string_view item, std::uint64_t spread);
    [[nodiscard]] bool parse_day_of_month(std::string_view item);
    [[nodiscard]] bool parse_weekday(const CronFieldKind& kind, std::string_view item);

    std::uint64_t values_ = 0;
    std::uint64_t all_ = 0;
    std::uint32_t last_weekdays_ = 0;
    std::array<std::uint8_t, 7> nth_{};
    std::vector<unsigned> before_last_;
    bool is_any_ = false;
};

}  // namespace dbbackup
