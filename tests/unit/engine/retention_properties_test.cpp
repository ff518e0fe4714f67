/// @file
/// What must hold for every history and all rules. Method: histories of up to 80 snapshots with
/// days missed, several backups a day, clocks that jump either way and times that repeat; random
/// rules, pins, modes and incomplete snapshots. Everything comes from a printed seed.

#include "engine/retention.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <tuple>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr std::uint32_t RetentionRules::* kCounts[] = {
    &RetentionRules::keep_last,   &RetentionRules::keep_hourly,  &RetentionRules::keep_daily,
    &RetentionRules::keep_weekly, &RetentionRules::keep_monthly, &RetentionRules::keep_yearly};

struct Case {
    std::vector<SnapshotSummary> snapshots;  ///< Newest last.
    RetentionRules rules;                    ///< Never empty.
    RetentionContext context;
};

/// Makes cases; the same ones for the same seed.
class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    /// From 0 up to, but not with, `bound`.
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool one_in(std::uint64_t count) { return below(count) == 0; }

    void add_snapshot(Case& sample, Time begun_at) {
        SnapshotSummary snapshot;
        snapshot.id = fmt::format("{:032x}", random_());
        snapshot.begun_at = begun_at;
        snapshot.is_incomplete = one_in(6);
        // Two hosts may give the same number; a removed snapshot leaves a gap.
        snapshot.sequence =
            sample.snapshots.empty() ? 1 : sample.snapshots.back().sequence + below(4);
        if (one_in(3)) {
            snapshot.mode = BackupMode::differential;
            for (const SnapshotSummary& earlier : sample.snapshots) {
                if (earlier.mode == BackupMode::full && (!snapshot.parent || one_in(2))) {
                    snapshot.parent = earlier.id;
                }
            }
        }
        if (one_in(20)) {
            sample.context.pins[snapshot.id] = "some reason";
        }
        sample.snapshots.push_back(std::move(snapshot));
    }

    Case random_case() {
        Case sample;
        Time clock = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);
        const std::uint64_t count = below(80);
        for (std::uint64_t at = 0; at < count; ++at) {
            clock += one_in(10) ? 0h : std::chrono::hours(below(one_in(4) ? 3000 : 30));
            // A few clocks are off by up to about 80 years, the next one is right again.
            const auto off = std::chrono::hours(below(700'000)) * (one_in(2) ? 1 : -1);
            add_snapshot(sample, clock + (one_in(8) ? off : 0h));
        }
        std::ranges::sort(sample.snapshots, {}, [](const SnapshotSummary& snapshot) {
            return std::tie(snapshot.sequence, snapshot.id);
        });
        const std::chrono::minutes ahead(static_cast<int>(below(27 * 60)) - 13 * 60);
        sample.context.now = clock + std::chrono::hours(below(50));
        sample.context.utc_offset = [ahead](Time) { return ahead; };
        while (sample.rules.is_empty()) {
            for (const auto rule : kCounts) {
                sample.rules.*rule = one_in(2) ? static_cast<std::uint32_t>(below(10)) : 0;
            }
            if (one_in(3)) {
                sample.rules.keep_within =
                    Age{std::chrono::months(below(4)), std::chrono::hours(1 + below(1000))};
            }
        }
        return sample;
    }

private:
    std::mt19937_64 random_;
};

template <class Property>
void expect_of_every_case(const Property& property) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Generator generator(seed);
        property(generator.random_case(), generator);
    }
}

std::set<SnapshotId> kept(const RetentionRules& rules, const Case& sample) {
    std::set<SnapshotId> ids;
    for (const auto& decision : apply_retention(rules, sample.snapshots, sample.context)) {
        if (decision.stays()) {
            ids.insert(decision.snapshot);
        }
    }
    return ids;
}

bool contains(const std::set<SnapshotId>& larger, const std::set<SnapshotId>& smaller) {
    return std::ranges::includes(larger, smaller);
}

TEST(RetentionProperties, WhatStaysStaysWhenAskedAgain) {
    expect_of_every_case([](Case sample, Generator&) {
        const std::set<SnapshotId> before = kept(sample.rules, sample);
        std::erase_if(sample.snapshots,
                      [&](const SnapshotSummary& each) { return !before.contains(each.id); });
        EXPECT_EQ(kept(sample.rules, sample), before);
    });
}

TEST(RetentionProperties, LargerRulesNeverKeepLess) {
    expect_of_every_case([](const Case& sample, Generator& generator) {
        const std::set<SnapshotId> before = kept(sample.rules, sample);
        for (const auto rule : kCounts) {
            RetentionRules larger = sample.rules;
            larger.*rule += 1 + static_cast<std::uint32_t>(generator.below(4));
            EXPECT_TRUE(contains(kept(larger, sample), before));
        }
        RetentionRules larger = sample.rules;
        larger.keep_within = sample.rules.keep_within.value_or(Age{});
        larger.keep_within->hours += std::chrono::hours(1 + generator.below(500));
        EXPECT_TRUE(contains(kept(larger, sample), before));
        larger.keep_within->months += std::chrono::months(1);
        EXPECT_TRUE(contains(kept(larger, sample), before));
    });
}

TEST(RetentionProperties, EachRuleKeepsByItself) {
    expect_of_every_case([](const Case& sample, Generator&) {
        std::set<SnapshotId> together;
        for (const auto rule : kCounts) {
            RetentionRules alone;
            alone.*rule = sample.rules.*rule;
            if (!alone.is_empty()) {
                together.merge(kept(alone, sample));
            }
        }
        if (sample.rules.keep_within) {
            together.merge(kept({.keep_within = sample.rules.keep_within}, sample));
        }
        EXPECT_EQ(kept(sample.rules, sample), together);
    });
}

TEST(RetentionProperties, TheOrderOfTheInputDoesNotMatter) {
    expect_of_every_case([](Case sample, Generator& generator) {
        const auto decisions = apply_retention(sample.rules, sample.snapshots, sample.context);
        ASSERT_EQ(decisions.size(), sample.snapshots.size());
        for (std::size_t at = 0; at < decisions.size(); ++at) {
            EXPECT_EQ(decisions[at].snapshot, sample.snapshots[at].id) << "newest last";
        }
        std::mt19937_64 random(generator.below(1000));
        std::shuffle(sample.snapshots.begin(), sample.snapshots.end(), random);
        const auto shuffled = apply_retention(sample.rules, sample.snapshots, sample.context);
        ASSERT_EQ(shuffled.size(), decisions.size());
        for (std::size_t at = 0; at < decisions.size(); ++at) {
            EXPECT_EQ(shuffled[at].snapshot, decisions[at].snapshot);
            EXPECT_EQ(shuffled[at].reasons, decisions[at].reasons);
        }
    });
}

TEST(RetentionProperties, SomeAlwaysStay) {
    expect_of_every_case([](const Case& sample, Generator&) {
        const std::set<SnapshotId> ids = kept(sample.rules, sample);
        const SnapshotSummary* complete = nullptr;
        for (const SnapshotSummary& snapshot : sample.snapshots) {
            complete = snapshot.is_incomplete ? complete : &snapshot;
            EXPECT_TRUE(!sample.context.pins.contains(snapshot.id) || ids.contains(snapshot.id));
            if (ids.contains(snapshot.id) && snapshot.mode == BackupMode::differential &&
                snapshot.parent) {
                EXPECT_TRUE(ids.contains(*snapshot.parent));
            }
        }
        EXPECT_TRUE(complete == nullptr || ids.contains(complete->id));
        EXPECT_TRUE(sample.snapshots.empty() || ids.contains(sample.snapshots.back().id));
        EXPECT_EQ(kept({}, sample).size(), sample.snapshots.size());
    });
}

TEST(RetentionProperties, ARuleKeepsNoMoreThanItsCountAndNumbersThem) {
    expect_of_every_case([](const Case& sample, Generator&) {
        constexpr std::string_view kNames[] = {"last",   "hourly",  "daily",
                                               "weekly", "monthly", "yearly"};
        for (std::size_t rule = 0; rule < std::size(kNames); ++rule) {
            const std::uint32_t count = sample.rules.*kCounts[rule];
            auto decisions = apply_retention(sample.rules, sample.snapshots, sample.context);
            std::uint32_t found = 0;
            for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
                for (const std::string& reason : decision->reasons) {
                    if (reason.starts_with(fmt::format("{} ", kNames[rule]))) {
                        ++found;
                        const std::string expected =
                            fmt::format("{} {} of {}", kNames[rule], found, count);
                        EXPECT_TRUE(reason.starts_with(expected)) << reason;
                    }
                }
            }
            EXPECT_LE(found, count);
        }
    });
}

/// The definition, word for word and slowly: the newest of its day, and fewer than N days have a
/// newer snapshot.
TEST(RetentionProperties, DailyIsWhatItsDefinitionSays) {
    expect_of_every_case([](const Case& sample, Generator& generator) {
        const auto day_of = [&](const SnapshotSummary& snapshot) {
            return std::chrono::floor<days>(snapshot.begun_at + sample.context.utc_offset({}));
        };
        const RetentionRules rules = {.keep_daily =
                                          1 + static_cast<std::uint32_t>(generator.below(20))};
        const auto decisions = apply_retention(rules, sample.snapshots, sample.context);
        for (std::size_t at = 0; at < sample.snapshots.size(); ++at) {
            std::set<std::chrono::sys_days> newer;
            for (std::size_t other = at + 1; other < sample.snapshots.size(); ++other) {
                newer.insert(day_of(sample.snapshots[other]));
            }
            const bool expected =
                newer.size() < rules.keep_daily && !newer.contains(day_of(sample.snapshots[at]));
            const auto& reasons = decisions[at].reasons;
            EXPECT_EQ(expected, std::ranges::any_of(reasons, [](const std::string& reason) {
                          return reason.starts_with("daily ");
                      }));
        }
    });
}

}  // namespace
}  // namespace dbbackup
