#include "engine/snapshot_choice.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "support/time_zone.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

SnapshotSummary snapshot(std::string id, std::string source, std::uint64_t sequence,
                         std::string_view begun_at) {
    SnapshotSummary summary;
    id.resize(32, '0');
    summary.id = std::move(id);
    summary.source_id = SourceId(16, source.front());
    summary.source_name = std::move(source);
    summary.sequence = sequence;
    summary.begun_at = parse_time(begun_at).value().first;
    return summary;
}

/// The clock was turned back between the second and the third.
const std::vector<SnapshotSummary> kShop = {
    snapshot("aaaa1111b", "shop", 1, "2026-11-20T10:00:00Z"),
    snapshot("aaaa1111c", "shop", 2, "2026-11-22T10:00:00Z"),
    snapshot("bbbb", "shop", 3, "2026-11-21T10:00:00Z")};

std::vector<SnapshotSummary> two_sources() {
    std::vector<SnapshotSummary> all = kShop;
    all.push_back(snapshot("cccc", "blog", 1, "2026-11-22T11:00:00Z"));
    return all;
}

std::string chosen(std::string_view text, const std::vector<SnapshotSummary>& snapshots = kShop,
                   const std::optional<std::string>& source = {}) {
    return choose_snapshot(snapshots, text, source).id.substr(0, 9);
}

std::string problem(std::string_view text, const std::vector<SnapshotSummary>& snapshots = kShop,
                    const std::optional<std::string>& source = {}) {
    try {
        return "none: " + chosen(text, snapshots, source);
    } catch (const ConfigError& error) {
        EXPECT_FALSE(error.hint().empty());
        return error.code();
    }
}

TEST(SnapshotChoice, LatestIsTheHighestSequenceNotTheNewestClock) {
    EXPECT_EQ(chosen("latest"), "bbbb00000");
    EXPECT_EQ(chosen("latest~0"), "bbbb00000");
    EXPECT_EQ(chosen("latest~1"), "aaaa1111c");
    EXPECT_EQ(chosen("latest~2"), "aaaa1111b");
    EXPECT_EQ(problem("latest~3"), "snapshot_unknown");
}

TEST(SnapshotChoice, EqualSequencesAreOrderedById) {
    std::vector<SnapshotSummary> twins = kShop;
    twins.push_back(snapshot("0000", "shop", 3, "2026-11-23T10:00:00Z"));
    EXPECT_EQ(chosen("latest", twins), "bbbb00000");
    EXPECT_EQ(chosen("latest~1", twins), "000000000");
}

TEST(SnapshotChoice, WordsThatOnlyLookLikeLatestAreUnknown) {
    for (const char* text : {"latest~", "latest~x", "latest~1x", "latest~-1", "latest1", "latest ",
                             "latest~99999999999999999999", "Latest", ""}) {
        EXPECT_EQ(problem(text), "snapshot_unknown") << text;
    }
}

TEST(SnapshotChoice, AnIdPrefixIsEnoughWhenOnlyOneStartsSo) {
    EXPECT_EQ(chosen("aaaa1111b"), "aaaa1111b");
    EXPECT_EQ(chosen("bbbb"), "bbbb00000");
    EXPECT_EQ(chosen(kShop[1].id), "aaaa1111c");
    EXPECT_EQ(problem("aaaa1111"), "snapshot_ambiguous");
    EXPECT_EQ(problem("bbb"), "snapshot_unknown") << "three digits are too few";
    EXPECT_EQ(problem("dddd"), "snapshot_unknown");
    EXPECT_EQ(problem(kShop[1].id + "0"), "snapshot_unknown");
}

TEST(SnapshotChoice, ATimeIsTheNewestBegunByItsEnd) {
    const TestZone zone("UTC");
    EXPECT_EQ(chosen("2026-11-21"), "bbbb00000") << "a day is over when it ends";
    EXPECT_EQ(chosen("2026-11-22"), "aaaa1111c");
    EXPECT_EQ(chosen("2026-11-22 10:00"), "aaaa1111c") << "at the very moment counts";
    EXPECT_EQ(chosen("2026-11-22T09:59:59Z"), "bbbb00000");
    EXPECT_EQ(chosen("2027-01-01"), "aaaa1111c");
    EXPECT_EQ(problem("2026-11-20 09:59"), "snapshot_unknown");
    EXPECT_EQ(problem("2026-13-01"), "snapshot_unknown");
}

TEST(SnapshotChoice, ATimeCoversTheFractionThatIsNotShown) {
    const TestZone zone("UTC");
    const std::vector<SnapshotSummary> two = {
        snapshot("aaaa", "shop", 1, "2026-11-22T10:00:05.100Z"),
        snapshot("bbbb", "shop", 2, "2026-11-22T10:00:06.900Z")};
    EXPECT_EQ(chosen("2026-11-22 10:00:05Z", two), "aaaa00000");
    EXPECT_EQ(chosen("2026-11-22 11:00:05+01:00", two), "aaaa00000");
    EXPECT_EQ(chosen("2026-11-22 10:00:06", two), "bbbb00000");
    EXPECT_EQ(chosen("2026-11-22 10:00", two), "bbbb00000");
    EXPECT_EQ(problem("2026-11-22 10:00:05.09Z", two), "snapshot_unknown");
}

TEST(SnapshotChoice, SeveralSourcesMustBeToldApart) {
    EXPECT_EQ(problem("latest", two_sources()), "source_ambiguous");
    EXPECT_EQ(problem("2026-12-01", two_sources()), "source_ambiguous");
    EXPECT_EQ(chosen("latest", two_sources(), "blog"), "cccc00000");
    EXPECT_EQ(chosen("latest", two_sources(), "shop"), "bbbb00000");
    EXPECT_EQ(chosen("2026-12-01", two_sources(), "blog"), "cccc00000");
    EXPECT_EQ(chosen("cccc", two_sources()), "cccc00000") << "an id says which one";
    EXPECT_EQ(problem("cccc", two_sources(), "shop"), "snapshot_unknown");
    EXPECT_EQ(problem("latest", two_sources(), "news"), "source_unknown");
    try {
        static_cast<void>(choose_snapshot(two_sources(), "latest", {}));
    } catch (const ConfigError& error) {
        EXPECT_NE(std::string_view(error.what()).find("blog, shop"), std::string_view::npos);
    }
}

/// What comes of a choice when the manifest of an unknown run of `source_id` is damaged.
std::string chosen_despite(const std::string& source_id, std::string_view text,
                           const std::vector<SnapshotSummary>& snapshots = kShop,
                           const std::optional<std::string>& source = {}) {
    const std::vector<std::string> damaged = {"collections/1/removed",
                                              "manifests/" + source_id + "/0123"};
    try {
        return choose_snapshot(snapshots, damaged, text, source).id.substr(0, 4);
    } catch (const Error& error) {
        EXPECT_FALSE(error.hint().empty());
        EXPECT_EQ(error.exit_code() == ExitCode::corruption,
                  std::string(error.what()).find(damaged[1]) != std::string::npos)
            << error.what();
        return error.code();
    }
}

TEST(SnapshotChoice, DamageOfTheSourceRefusesWhatCountsFromTheNewest) {
    const std::string shop = kShop.front().source_id;
    const std::string blog = two_sources().back().source_id;
    for (const char* text : {"latest", "latest~1", "latest~9", "2026-11-22", "2026-11-22 10:00Z"}) {
        EXPECT_EQ(chosen_despite(shop, text), "manifest_damaged") << text;
        EXPECT_EQ(chosen_despite(shop, text, two_sources(), "shop"), "manifest_damaged") << text;
    }
    EXPECT_EQ(chosen_despite(shop, "bbbb"), "bbbb") << "an id says which one";
    EXPECT_EQ(chosen_despite(shop, "nonsense"), "snapshot_unknown");
    EXPECT_EQ(chosen_despite(blog, "latest", two_sources(), "shop"), "bbbb") << "another source";
}

TEST(SnapshotChoice, DamageOfASourceThatNothingElseTellsOf) {
    EXPECT_EQ(chosen_despite("beef", "latest"), "manifest_damaged") << "it may be the one meant";
    EXPECT_EQ(chosen_despite("beef", "latest", kShop, "shop"), "bbbb");
    EXPECT_EQ(chosen_despite("beef", "latest", kShop, "blog"), "manifest_damaged");
    EXPECT_EQ(chosen_despite("beef", "latest", {}), "manifest_damaged");
}

TEST(SnapshotChoice, AnEmptyRepositoryHasNone) {
    EXPECT_EQ(problem("latest", {}), "snapshot_unknown");
    EXPECT_EQ(problem("latest", {}, "shop"), "snapshot_unknown");
}

TEST(SnapshotChoice, PrefixesAreAsLongAsTheyMustBe) {
    EXPECT_EQ(id_prefix_length({}), 8U);
    EXPECT_EQ(id_prefix_length({kShop[0]}), 8U);
    EXPECT_EQ(id_prefix_length(kShop), 9U);
    EXPECT_EQ(id_prefix_length({kShop[0], kShop[2]}), 8U);
}

TEST(SnapshotChoice, IsAmongThoseWithAllTags) {
    std::vector<SnapshotSummary> all = two_sources();
    all[0].tags = {{"env", "prod"}};
    const auto taken = [&](const std::map<std::string, std::string>& tags,
                           const std::optional<std::string>& source = {},
                           const std::vector<std::string>& damaged = {}) -> std::string {
        try {
            return choose_tagged_snapshot(all, damaged, "latest", source, tags).id;
        } catch (const Error& error) {
            return error.what();
        }
    };
    EXPECT_EQ(taken({}, "shop"), choose_snapshot(all, "latest", "shop").id);
    EXPECT_EQ(taken({{"env", "prod"}}, "shop"), all[0].id);
    EXPECT_EQ(taken({{"env", "prod"}}), all[0].id) << "no other source has any";
    EXPECT_EQ(taken({{"env", "test"}}), "no snapshot has the tag env=test");
    EXPECT_EQ(taken({{"env", "prod"}}, "blog"),
              "no snapshot of source 'blog' has the tag env=prod");
    EXPECT_EQ(taken({{"env", "prod"}, {"x", "y"}}), "no snapshot has the tags env=prod and x=y");
    EXPECT_THAT(taken({{"env", "prod"}}, "none"), testing::HasSubstr("of a source 'none'"))
        << "that the source is unknown says more";
    EXPECT_THAT(taken({{"env", "prod"}}, {}, {"manifests/x/y"}), testing::HasSubstr("damaged"))
        << "that one may have it";
}

TEST(DoubtfulSnapshots, AreThoseThatAnyLaterOneNames) {
    std::vector<SnapshotSummary> snapshots(3);
    EXPECT_TRUE(doubtful_snapshots(snapshots).empty());
    snapshots[1].doubtful = {"a"};
    snapshots[2].doubtful = {"a", "b"};
    EXPECT_EQ(doubtful_snapshots(snapshots), (std::set<SnapshotId>{"a", "b"}));
}

}  // namespace
}  // namespace dbbackup
