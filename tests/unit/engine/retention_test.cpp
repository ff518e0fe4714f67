#include "engine/retention.hpp"

#include "base/clock.hpp"
#include "support/time_zone.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::sys_days;
using testing::ElementsAre;
using testing::IsEmpty;

using Sequences = std::vector<std::uint64_t>;

Time at(std::string_view text) { return parse_time(text).value().first; }

const Time kNow = at("2026-11-22T12:00:00Z");

SnapshotId id_of(std::uint64_t sequence) { return fmt::format("{:032x}", sequence); }

/// Snapshots 1, 2, … begun at `times`.
std::vector<SnapshotSummary> history(const std::vector<std::string_view>& times) {
    std::vector<SnapshotSummary> snapshots;
    for (const std::string_view time : times) {
        SnapshotSummary& snapshot = snapshots.emplace_back();
        snapshot.sequence = snapshots.size();
        snapshot.id = id_of(snapshot.sequence);
        snapshot.begun_at = at(time);
    }
    return snapshots;
}

RetentionContext utc(Time now = kNow) {
    return {now, [](Time) { return 0min; }};
}

/// The numbers of those that stay, newest last.
Sequences kept(const RetentionRules& rules, const std::vector<SnapshotSummary>& snapshots,
               const RetentionContext& context = utc()) {
    Sequences sequences;
    for (const RetentionDecision& decision : apply_retention(rules, snapshots, context)) {
        if (decision.stays()) {
            sequences.push_back(std::stoull(decision.snapshot, nullptr, 16));
        }
    }
    return sequences;
}

std::vector<std::string> texts(const RetentionRules& rules,
                               const std::vector<SnapshotSummary>& snapshots,
                               const RetentionContext& context = utc()) {
    std::vector<std::string> result;
    for (const RetentionDecision& decision : apply_retention(rules, snapshots, context)) {
        result.push_back(decision.text());
    }
    return result;
}

TEST(Retention, KeepsTheNewestOfEachDay) {
    EXPECT_THAT(kept({.keep_daily = 2},
                     history({"2026-11-20 01:00Z", "2026-11-20 23:59Z", "2026-11-21 00:00Z",
                              "2026-11-21 12:00Z", "2026-11-22 01:00Z", "2026-11-22 02:00Z"})),
                ElementsAre(4, 6));
}

TEST(Retention, KeepsTheNewestOfEachPeriod) {
    const std::vector<SnapshotSummary> snapshots =
        history({"2024-06-01 10:00Z", "2025-12-31 10:00Z", "2026-09-30 10:00Z", "2026-10-01 10:00Z",
                 "2026-11-15 10:00Z", "2026-11-16 10:00Z", "2026-11-22 10:00Z", "2026-11-22 11:00Z",
                 "2026-11-22 11:59Z"});
    EXPECT_THAT(kept({.keep_last = 3}, snapshots), ElementsAre(7, 8, 9));
    EXPECT_THAT(kept({.keep_hourly = 3}, snapshots), ElementsAre(6, 7, 9));
    EXPECT_THAT(kept({.keep_weekly = 2}, snapshots), ElementsAre(5, 9));
    EXPECT_THAT(kept({.keep_monthly = 3}, snapshots), ElementsAre(3, 4, 9));
    EXPECT_THAT(kept({.keep_yearly = 2}, snapshots), ElementsAre(2, 9));
    EXPECT_THAT(kept({.keep_last = 2, .keep_yearly = 9}, snapshots), ElementsAre(1, 2, 8, 9));
}

TEST(Retention, SaysWhyEachStaysOrGoes) {
    RetentionContext context = utc();
    context.pins = {{id_of(1), "before the migration"}, {id_of(99), "of another source"}};
    EXPECT_THAT(
        texts({.keep_last = 1,
               .keep_hourly = 1,
               .keep_daily = 3,
               .keep_weekly = 2,
               .keep_monthly = 1,
               .keep_yearly = 1,
               .keep_within = Age{std::chrono::months(0), days(2)}},
              history({"2026-11-10 10:00Z", "2026-11-13 10:00Z", "2026-11-15 10:00Z",
                       "2026-11-21 10:00Z", "2026-11-22 10:00Z"}),
              context),
        ElementsAre("stays: pinned: before the migration", "goes: no rule keeps it",
                    "stays: daily 3 of 3 (2026-11-15), weekly 2 of 2 (2026-W46)",
                    "stays: daily 2 of 3 (2026-11-21), within 2 days",
                    "stays: last 1 of 1, hourly 1 of 1 (2026-11-22 10:00+00:00), daily 1 of 3 "
                    "(2026-11-22), weekly 1 of 2 (2026-W47), monthly 1 of 1 (2026-11), yearly 1 "
                    "of 1 (2026), within 2 days, newest of its source"));
}

TEST(Retention, ADayWithoutASnapshotDoesNotUseUpTheCount) {
    EXPECT_THAT(kept({.keep_daily = 3}, history({"2024-01-01 10:00Z", "2025-01-01 10:00Z",
                                                 "2026-01-01 10:00Z", "2026-11-22 10:00Z"})),
                ElementsAre(2, 3, 4));
}

// --- What stays whatever the rules say ---

TEST(Retention, WithoutRulesEverythingStays) {
    EXPECT_THAT(texts({}, history({"1970-01-01 00:00Z", "2026-11-22 10:00Z"})),
                ElementsAre("stays: no rule is given",
                            "stays: no rule is given, newest of its "
                            "source"));
    EXPECT_THAT(texts({}, {}), IsEmpty());
    EXPECT_THAT(texts({.keep_last = 1}, {}), IsEmpty());
}

TEST(Retention, TheNewestStaysHoweverOldItIs) {
    const RetentionRules rules = {.keep_within = Age{std::chrono::months(0), 1h}};
    EXPECT_THAT(texts(rules, history({"2020-01-01 10:00Z", "2019-01-01 10:00Z"})),
                ElementsAre("goes: no rule keeps it", "stays: newest of its source"));
}

TEST(Retention, TheNewestCompleteOneStaysToo) {
    std::vector<SnapshotSummary> snapshots =
        history({"2026-11-20 10:00Z", "2026-11-21 10:00Z", "2026-11-22 10:00Z"});
    snapshots[2].is_incomplete = true;
    EXPECT_THAT(kept({.keep_last = 1}, snapshots), ElementsAre(2, 3));
    EXPECT_EQ(texts({.keep_last = 1}, snapshots)[1], "stays: newest complete one of its source");
    snapshots[1].is_incomplete = true;
    EXPECT_THAT(kept({.keep_last = 1}, snapshots), ElementsAre(1, 3));
    snapshots[0].is_incomplete = true;
    EXPECT_THAT(kept({.keep_last = 1}, snapshots), ElementsAre(3));
}

TEST(Retention, TheFullThatAKeptDifferentialRefersToStays) {
    std::vector<SnapshotSummary> snapshots =
        history({"2026-11-18 10:00Z", "2026-11-19 10:00Z", "2026-11-20 10:00Z", "2026-11-21 10:00Z",
                 "2026-11-22 10:00Z"});
    snapshots[1].mode = BackupMode::differential;
    snapshots[1].parent = id_of(1);
    snapshots[3].mode = BackupMode::differential;
    snapshots[3].parent = id_of(3);
    snapshots[4].mode = BackupMode::incremental;
    snapshots[4].parent = id_of(4);
    EXPECT_THAT(kept({.keep_last = 2}, snapshots), ElementsAre(3, 4, 5));
    EXPECT_EQ(texts({.keep_last = 2}, snapshots)[2],
              "stays: a differential that stays refers to it");
    EXPECT_THAT(kept({.keep_last = 1}, snapshots), ElementsAre(5))
        << "an incremental is complete and needs no parent";
    snapshots.erase(snapshots.begin() + 2);
    EXPECT_THAT(kept({.keep_last = 2}, snapshots), ElementsAre(4, 5)) << "the full is gone already";
}

// --- Clocks that are wrong ---

TEST(Retention, OneBackupFromTheFutureTakesOnePlaceAndThenGoes) {
    std::vector<SnapshotSummary> snapshots = history(
        {"2026-11-18 10:00Z", "2026-11-19 10:00Z", "2099-01-01 10:00Z", "2026-11-21 10:00Z"});
    EXPECT_THAT(kept({.keep_daily = 3}, snapshots), ElementsAre(2, 3, 4));
    EXPECT_THAT(kept({.keep_daily = 2}, snapshots), ElementsAre(3, 4));
    EXPECT_THAT(kept({.keep_daily = 1}, snapshots), ElementsAre(4)) << "2099 is not the newest";
    EXPECT_THAT(kept({.keep_last = 1}, snapshots), ElementsAre(4));
}

TEST(Retention, ABackupFromTheFutureDoesNotMakeOthersOld) {
    const RetentionRules rules = {.keep_within = Age{std::chrono::months(0), days(3)}};
    EXPECT_THAT(
        texts(rules, history({"2026-11-18 10:00Z", "2026-11-20 10:00Z", "2099-01-01 10:00Z"})),
        ElementsAre("goes: no rule keeps it", "stays: within 3 days",
                    "stays: within 3 days (in the future), newest of its source"));
}

TEST(Retention, AClockThatWentBackFallsIntoThePeriodThatItShows) {
    const std::vector<SnapshotSummary> snapshots =
        history({"2026-11-19 10:00Z", "2026-11-20 10:00Z", "2026-11-21 10:00Z", "2026-11-20 09:00Z",
                 "2026-11-21 08:00Z"});
    EXPECT_THAT(kept({.keep_daily = 2}, snapshots), ElementsAre(4, 5));
    EXPECT_THAT(kept({.keep_daily = 3}, snapshots), ElementsAre(1, 4, 5));
}

TEST(Retention, AClockThatStartsAtZeroTakesOnePlace) {
    EXPECT_THAT(kept({.keep_daily = 3},
                     history({"2026-11-19 10:00Z", "2026-11-20 10:00Z", "2026-11-21 10:00Z",
                              "1970-01-01 00:01Z", "1970-01-01 00:02Z"})),
                ElementsAre(2, 3, 5));
}

TEST(Retention, TimesThatNoClockShowsAreTakenAsFarAway) {
    std::vector<SnapshotSummary> snapshots = history({"2026-11-21 10:00Z", "2026-11-21 10:00Z"});
    snapshots[0].begun_at = Time::min();
    snapshots[1].begun_at = Time::max();
    EXPECT_THAT(texts({.keep_hourly = 2, .keep_weekly = 2}, snapshots),
                ElementsAre("stays: hourly 2 of 2 (0001-01-01 00:00+00:00), weekly 2 of 2 "
                            "(0001-W01)",
                            "stays: hourly 1 of 2 (9999-01-01 00:00+00:00), weekly 1 of 2 "
                            "(9998-W53), newest of its source"));
}

TEST(Retention, EqualTimesAndEqualNumbersHaveAnOrderAllTheSame) {
    std::vector<SnapshotSummary> snapshots =
        history({"2026-11-21 10:00Z", "2026-11-21 10:00Z", "2026-11-21 10:00Z"});
    EXPECT_THAT(kept({.keep_daily = 7}, snapshots), ElementsAre(3));
    snapshots[1].sequence = 3;
    snapshots[0].sequence = 3;
    EXPECT_THAT(kept({.keep_last = 2}, snapshots), ElementsAre(2, 3));
}

// --- The calendar ---

constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

RetentionContext here() { return {kNow, utc_offset_here}; }

TEST(Retention, DaysBeginAndEndInTheZoneOfWhoPrunes) {
    const std::vector<SnapshotSummary> snapshots =
        history({"2026-11-20 22:59Z", "2026-11-20 23:00Z", "2026-11-21 22:59Z"});
    const TestZone zone(kBerlin);
    EXPECT_THAT(kept({.keep_daily = 9}, snapshots, here()), ElementsAre(1, 3));
    EXPECT_THAT(kept({.keep_daily = 9}, snapshots), ElementsAre(2, 3)) << "in UTC";
}

TEST(Retention, DaysOf23And25HoursAreWholeDays) {
    const TestZone zone(kBerlin);
    EXPECT_THAT(kept({.keep_daily = 9},
                     history({"2026-03-28 22:59Z", "2026-03-28 23:00Z", "2026-03-29 21:59Z",
                              "2026-03-29 22:00Z", "2026-10-24 21:59Z", "2026-10-24 22:00Z",
                              "2026-10-25 22:59Z", "2026-10-25 23:00Z"}),
                     here()),
                ElementsAre(1, 3, 4, 5, 7, 8));
}

TEST(Retention, TheHourThatClocksShowTwiceIsTwoHours) {
    const TestZone zone(kBerlin);
    EXPECT_THAT(
        texts({.keep_hourly = 9},
              history({"2026-10-25 00:10Z", "2026-10-25 00:30Z", "2026-10-25 01:30Z"}), here()),
        ElementsAre("goes: no rule keeps it", "stays: hourly 2 of 9 (2026-10-25 02:00+02:00)",
                    "stays: hourly 1 of 9 (2026-10-25 02:00+01:00), newest of its source"));
}

TEST(Retention, HoursBeginWhereTheZoneSaysAlsoHalfAnHourOff) {
    const TestZone zone("NST3:30");
    EXPECT_THAT(
        texts({.keep_hourly = 9},
              history({"2026-11-21 10:29Z", "2026-11-21 10:30Z", "2026-11-21 11:29Z"}), here()),
        ElementsAre("stays: hourly 2 of 9 (2026-11-21 06:00-03:30)", "goes: no rule keeps it",
                    "stays: hourly 1 of 9 (2026-11-21 07:00-03:30), newest of its source"));
}

TEST(Retention, WeeksRunFromMondayAndOverTheEndOfTheYear) {
    const auto week = [](std::string_view time) {
        return texts({.keep_weekly = 1}, history({time})).front();
    };
    const auto said = [](std::string_view name) {
        return fmt::format("stays: weekly 1 of 1 ({}), newest of its source", name);
    };
    // Source: ISO 8601 and `date +%G-W%V`.
    EXPECT_EQ(week("2026-11-22 23:59Z"), said("2026-W47")) << "a Sunday";
    EXPECT_EQ(week("2026-11-23 00:00Z"), said("2026-W48")) << "a Monday";
    EXPECT_EQ(week("2027-01-01 10:00Z"), said("2026-W53")) << "a Friday";
    EXPECT_EQ(week("2024-12-30 10:00Z"), said("2025-W01")) << "a Monday";
    EXPECT_EQ(week("2021-01-03 10:00Z"), said("2020-W53")) << "a Sunday, after a leap year";
    EXPECT_EQ(week("2024-02-29 10:00Z"), said("2024-W09"));
    EXPECT_EQ(week("2023-01-01 10:00Z"), said("2022-W52")) << "a Sunday";
    EXPECT_THAT(kept({.keep_weekly = 9}, history({"2026-12-28 10:00Z", "2026-12-31 10:00Z",
                                                  "2027-01-03 10:00Z", "2027-01-04 10:00Z"})),
                ElementsAre(3, 4));
}

TEST(Retention, AYearBefore29FebruaryIs28February) {
    const RetentionRules rules = {.keep_within = Age{std::chrono::months(12), 0h}};
    EXPECT_THAT(
        kept(rules, history({"2023-02-28 09:59Z", "2023-02-28 10:00Z", "2024-02-29 10:00Z"}),
             utc(at("2024-02-29 10:00Z"))),
        ElementsAre(2, 3));
}

}  // namespace
}  // namespace dbbackup
