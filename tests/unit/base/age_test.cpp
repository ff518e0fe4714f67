#include "base/age.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::sys_time;

TEST(Age, IsReadInUnitsThatPeopleUse) {
    EXPECT_EQ(parse_age("36h"), (Age{months(0), 36h}));
    EXPECT_EQ(parse_age("30d"), (Age{months(0), days(30)}));
    EXPECT_EQ(parse_age("2w"), (Age{months(0), days(14)}));
    EXPECT_EQ(parse_age("6mo"), (Age{months(6), 0h}));
    EXPECT_EQ(parse_age("1y6mo2d"), (Age{months(18), days(2)}));
    EXPECT_EQ(parse_age("1000y"), (Age{months(12'000), 0h}));
}

TEST(Age, RefusesMWhichMayMeanMinutesOrMonths) {
    EXPECT_EQ(parse_age("6m"), std::nullopt);
    EXPECT_EQ(parse_age("1y6m"), std::nullopt);
}

TEST(Age, RefusesWhatIsNoAge) {
    for (const std::string_view text :
         {"", "0d", "0y0h", "5", "d", "-5d", "+5d", "5 d", " 5d", "5d ", "1.5d", "5D", "30s",
          "1001y", "600y600y", "8784001h", "4294967295w", "4294967296d", "1y-6mo"}) {
        EXPECT_EQ(parse_age(text), std::nullopt) << text;
    }
}

TEST(Age, IsShownInWords) {
    EXPECT_EQ(format_age({months(18), 0h}), "1 year 6 months");
    EXPECT_EQ(format_age({months(1), days(1)}), "1 month 1 day");
    EXPECT_EQ(format_age({months(24), 36h}), "2 years 36 hours");
    EXPECT_EQ(format_age({months(0), days(30)}), "30 days");
    EXPECT_EQ(format_age({months(0), 1h}), "1 hour");
}

TEST(Age, MonthsAndYearsGoBackByTheCalendar) {
    using namespace std::chrono;
    const auto back = [](sys_days day, const Age& age) { return time_before(day + 7h, age) - 7h; };
    const Age month = {months(1), 0h};
    const Age year = {months(12), 0h};
    EXPECT_EQ(back(2026y / November / 22, month), sys_days(2026y / October / 22));
    EXPECT_EQ(back(2026y / January / 15, month), sys_days(2025y / December / 15));
    EXPECT_EQ(back(2026y / March / 31, month), sys_days(2026y / February / 28));
    EXPECT_EQ(back(2024y / March / 31, month), sys_days(2024y / February / 29));
    EXPECT_EQ(back(2024y / February / 29, year), sys_days(2023y / February / 28));
    EXPECT_EQ(back(2025y / March / 1, year), sys_days(2024y / March / 1));
    EXPECT_EQ(back(2026y / March / 31, {months(1), days(1)}), sys_days(2026y / February / 27));
}

TEST(Age, ALongerAgeNeverEndsLater) {
    // Also over the ends of months, where several days go back to the same one.
    for (int day = 0; day < 1500; ++day) {
        const sys_time<milliseconds> now = sys_days(days(19'700 + day));
        for (int count = 1; count < 30; ++count) {
            EXPECT_LT(time_before(now, {months(count), 0h}),
                      time_before(now, {months(count - 1), 0h}));
        }
    }
}

}  // namespace
}  // namespace dbbackup
