#include "base/units.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <limits>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

TEST(Units, LiteralsArePowersOf1024) {
    static_assert(1_KiB == 1024 && 1_MiB == 1024 * 1024 && 2_GiB == 2'147'483'648);
}

TEST(Units, ReadsSizes) {
    EXPECT_EQ(parse_size("0"), 0U);
    EXPECT_FALSE(lacks_unit("0"));
    EXPECT_FALSE(lacks_unit("12B"));
    EXPECT_FALSE(lacks_unit("much"));
    EXPECT_FALSE(lacks_unit(""));
    EXPECT_TRUE(lacks_unit(" 1234 "));
    EXPECT_TRUE(lacks_unit("1.5"));
    EXPECT_EQ(parse_size("1234"), 1234U);
    EXPECT_EQ(parse_size("12B"), 12U);
    EXPECT_EQ(parse_size("64k"), 64_KiB);
    EXPECT_EQ(parse_size("64K"), 64_KiB);
    EXPECT_EQ(parse_size("512 KiB"), 512_KiB);
    EXPECT_EQ(parse_size(" 1GiB "), 1_GiB);
    EXPECT_EQ(parse_size("1.5GiB"), 1536_MiB);
    EXPECT_EQ(parse_size("10MB"), 10'000'000U);
    EXPECT_EQ(parse_size("1kB"), 1000U);
    EXPECT_EQ(parse_size("2t"), 2048_GiB);
    EXPECT_EQ(parse_size("3G"), 3_GiB);
}

TEST(ParseRate, ReadsSizesPerSecond) {
    EXPECT_EQ(parse_rate("50MiB/s"), 50_MiB);
    EXPECT_EQ(parse_rate(" 1.5 MB/s "), 1'500'000U);
    EXPECT_EQ(parse_rate("100B/s"), 100U);
    for (const char* wrong :
         {"", "/s", "50MiB", "50/s", "50MiB/m", "50Mbit/s", "-1MiB/s", "MiB/s"}) {
        EXPECT_EQ(parse_rate(wrong), std::nullopt) << wrong;
    }
}

TEST(Units, RefusesWhatIsNoSize) {
    for (const std::string_view text :
         {"", " ", "x", "-1", "+1", "1x", "1 KiBs", "1kb", "1.2.3", ".", "1e9", "KiB", "9000P",
          "99999999999999999999", "123456789012345678901", "1 k B"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
}

TEST(Units, ReadsADecimalPointInEveryLocale) {
    const std::string before = std::setlocale(LC_ALL, nullptr);
    if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr) {
        GTEST_SKIP() << "this machine has no locale with a decimal comma";
    }
    const auto size = parse_size("1.5k");
    std::setlocale(LC_ALL, before.c_str());
    EXPECT_EQ(size, 1536U);
}

TEST(Units, FormatsSizesWithAtMostOneDecimal) {
    EXPECT_EQ(format_size(0), "0 B");
    EXPECT_EQ(format_size(912), "912 B");
    EXPECT_EQ(format_size(1023), "1023 B");
    EXPECT_EQ(format_size(1024), "1.0 KiB");
    EXPECT_EQ(format_size(1536_MiB), "1.5 GiB");
    EXPECT_EQ(format_size(100_KiB), "100 KiB");
    EXPECT_EQ(format_size(1_MiB - 1), "1.0 MiB");
    EXPECT_EQ(format_size(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(Units, ReadsDurations) {
    EXPECT_EQ(parse_duration("90s"), 90s);
    EXPECT_EQ(parse_duration("15m"), 15min);
    EXPECT_EQ(parse_duration("6h"), 6h);
    EXPECT_EQ(parse_duration("30d"), std::chrono::days(30));
    EXPECT_EQ(parse_duration("2w"), std::chrono::weeks(2));
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("0.5h"), 30min);
}

TEST(Units, RefusesWhatIsNoDuration) {
    for (const std::string_view text :
         {"", "5", "h", "5x", "1h30", "-5s", "1hh", "99999999w", "5 s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(Units, FormatsDurations) {
    EXPECT_EQ(format_duration(400ms), "0.4 s");
    EXPECT_EQ(format_duration(12s), "12 s");
    EXPECT_EQ(format_duration(59'700ms), "1 min 00 s");
    EXPECT_EQ(format_duration(185s), "3 min 05 s");
    EXPECT_EQ(format_duration(131min), "2 h 11 min");
}

}  // namespace
}  // namespace dbbackup
