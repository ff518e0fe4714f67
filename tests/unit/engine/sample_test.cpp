/// @file
/// What is skipped is proven by samples: every segment has its turn, little is read, and a source
/// that changed without a sign is read whole at once, loudly.

#include "engine/sample.hpp"

#include "base/error.hpp"
#include "engine/backup.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;
constexpr std::uint64_t kSegmentPages = 64;

StreamPlan skipped_pages(const std::string& name, std::size_t segments, std::uint32_t page_bytes,
                         std::uint64_t pages = kSegmentPages) {
    StreamPlan plan;
    plan.name = name;
    plan.kind = StreamKind::pages;
    plan.page_bytes = page_bytes;
    for (std::size_t number = 0; number < segments; ++number) {
        SegmentPlan segment;
        segment.range.first_page = number * pages;
        segment.range.page_count = pages;
        segment.action = SegmentAction::reuse;
        plan.segments.push_back(segment);
    }
    return plan;
}

std::uint64_t bytes_of(const std::vector<Sample>& samples, const std::vector<StreamPlan>& plans) {
    std::uint64_t bytes = 0;
    for (const Sample& sample : samples) {
        bytes += sample.part.page_count * plans[sample.stream].page_bytes;
    }
    return bytes;
}

TEST(ChooseSamples, GivesEverySegmentATurnInFiftyRuns) {
    for (const std::size_t segments : {1U, 2U, 49U, 50U, 51U, 99U, 1500U}) {
        const std::vector<StreamPlan> plans = {skipped_pages("a", segments, kPage),
                                               skipped_pages("b", 3, kPage)};
        for (const std::uint64_t begin : {0U, 1U, 777U}) {
            std::set<std::pair<std::size_t, std::uint64_t>> seen;
            for (std::uint64_t run = begin; run < begin + kSampleRuns; ++run) {
                const std::vector<Sample> samples = choose_samples(plans, run);
                EXPECT_GE(samples.size(), 1U);
                EXPECT_LE(bytes_of(samples, plans), kSampleBytesMax);
                for (const Sample& sample : samples) {
                    seen.emplace(sample.stream, sample.segment.first_page);
                }
            }
            EXPECT_EQ(seen.size(), segments + 3) << segments << " from run " << begin;
        }
    }
}

TEST(ChooseSamples, GivesEverySegmentOfRowsATurnInAThousandRuns) {
    constexpr std::size_t kSegments = 2500;
    StreamPlan plan;
    plan.name = "table";
    plan.kind = StreamKind::rows;
    for (std::size_t number = 0; number < kSegments; ++number) {
        plan.segments.push_back(
            {{.lower = std::to_string(number), .upper = std::to_string(number + 1)},
             SegmentAction::reuse});
    }
    const std::vector<StreamPlan> plans = {plan};
    std::set<std::string> seen;
    for (std::uint64_t run = 3; run < 3 + kRowSampleRuns; ++run) {
        const std::vector<Sample> samples = choose_samples(plans, run);
        EXPECT_EQ(samples.size(), 3U);
        for (const Sample& sample : samples) {
            seen.insert(sample.segment.lower);
        }
    }
    EXPECT_EQ(seen.size(), kSegments);
}

/// Of 130 views of one or more segments each, all have their turn within fifty runs, and no run
/// reads more than its share.
TEST(ChooseSamples, GivesEverySegmentOfSeveralViewsATurn) {
    std::vector<std::vector<StreamPlan>> views;
    std::uint64_t total = 0;
    for (std::size_t view = 0; view < 130; ++view) {
        views.push_back({skipped_pages("view", 1 + view % 3, kPage)});
        total += 1 + view % 3;
    }
    std::set<std::pair<std::size_t, std::uint64_t>> seen;
    for (std::uint64_t run = 7; run < 7 + kSampleRuns; ++run) {
        std::uint64_t before = 0;
        std::uint64_t bytes = 0;
        for (std::size_t view = 0; view < views.size(); ++view) {
            const std::vector<Sample> samples = choose_samples_of_view(
                views[view], run, {.segments_before = before, .segments_in_all = total});
            for (const Sample& sample : samples) {
                seen.emplace(view, sample.segment.first_page);
            }
            bytes += bytes_of(samples, views[view]);
            before += views[view].front().segments.size();
        }
        EXPECT_LE(bytes, (total / kSampleRuns + 1) * 16'384);
    }
    EXPECT_EQ(seen.size(), total);
}

/// How many segments there are is known only about, before all views are planned.
TEST(ChooseSamples, GivesEverySegmentATurnWhereThereAreMoreThanWereKnown) {
    const std::vector<std::vector<StreamPlan>> views = {{skipped_pages("a", 40, kPage)},
                                                        {skipped_pages("b", 60, kPage)}};
    std::set<std::pair<std::size_t, std::uint64_t>> seen;
    for (std::uint64_t run = 1; run <= kSampleRuns; ++run) {
        for (std::size_t view = 0; view < views.size(); ++view) {
            const ViewPlace place{.segments_before = view * 40, .segments_in_all = 30};
            for (const Sample& sample : choose_samples_of_view(views[view], run, place)) {
                seen.emplace(view, sample.segment.first_page);
            }
        }
    }
    EXPECT_EQ(seen.size(), 100U);
}

TEST(ChooseSamples, StaysWithinItsBytesForAnySource) {
    for (const std::uint32_t page_bytes : {512U, 4096U, 65'536U}) {
        const std::vector<StreamPlan> plans = {
            skipped_pages("huge", 700'000, page_bytes, (16U << 20U) / page_bytes)};
        const std::vector<Sample> samples = choose_samples(plans, 12'345);
        EXPECT_LE(bytes_of(samples, plans), kSampleBytesMax);
        EXPECT_EQ(bytes_of(samples, plans), kSampleBytesMax);
        EXPECT_TRUE(std::is_sorted(samples.begin(), samples.end(),
                                   [](const Sample& left, const Sample& right) {
                                       return left.part.first_page < right.part.first_page;
                                   }));
    }
}

TEST(ChooseSamples, LooksAtOtherPagesOfASegmentAtEachTurn) {
    const std::vector<StreamPlan> plans = {skipped_pages("a", 1, kPage, 67)};
    std::set<std::uint64_t> pages;
    for (std::uint64_t run = 0; run < 17; ++run) {
        const std::vector<Sample> samples = choose_samples(plans, run);
        ASSERT_EQ(samples.size(), 1U);
        const SegmentRange& part = samples[0].part;
        EXPECT_LE(part.first_page + part.page_count, 67U);
        for (std::uint64_t page = 0; page < part.page_count; ++page) {
            EXPECT_TRUE(pages.insert(part.first_page + page).second) << "read twice";
        }
    }
    EXPECT_EQ(pages.size(), 67U);
}

TEST(ChooseSamples, TakesNothingOfWhatIsReadAnyway) {
    StreamPlan pages = skipped_pages("a", 3, kPage);
    for (SegmentPlan& segment : pages.segments) {
        segment.action = SegmentAction::read;
    }
    pages.segments[1].action = SegmentAction::patch;
    StreamPlan script = skipped_pages("script", 1, 0, 0);
    script.kind = StreamKind::opaque;
    EXPECT_TRUE(choose_samples({pages, script}, 7).empty());
    EXPECT_TRUE(choose_samples({}, 7).empty());
}

/// A source of four segments that says that nothing ever changes.
class SampleTest : public testing::Test {
protected:
    explicit SampleTest(MemoryStorage::Options options = {}) : disk_(std::move(options)) {
        make_repository(disk_);
        source_.set_pages("main", page_like(1, 4 * kSegmentPages * kPage));
    }

    SnapshotDetails back_up_source(BackupOptions options = {},
                                   SampleBehaviour behaviour = {.reuses_everything = true}) {
        return back_up(source_, disk_, options, std::move(behaviour)).snapshot;
    }
    void change_segment(std::uint64_t segment, std::uint64_t seed) {
        for (std::uint64_t page = 0; page < kSegmentPages; ++page) {
            source_.set_page("main", segment * kSegmentPages + page, page_like(seed + page, kPage));
        }
    }

    MemoryStorage disk_;
    SampleDatabase source_;
};

TEST_F(SampleTest, AnHonestSourceCostsAFewPages) {
    back_up_source();
    for (unsigned run = 0; run < 5; ++run) {
        const SnapshotDetails child = back_up_source();
        EXPECT_EQ(child.summary.bytes_read, 4U * kPage);
        EXPECT_EQ(child.summary.chunks_new, 0U);
        EXPECT_TRUE(child.summary.doubtful.empty());
        EXPECT_TRUE(child.warnings.empty());
    }
}

/// Run 2 looks at segment 2, run 3 at segment 3, where it finds what changed before run 2.
TEST_F(SampleTest, AChangeWithoutASignIsFoundAndEverythingIsRead) {
    const SnapshotDetails first = back_up_source();
    change_segment(3, 100);
    const SnapshotDetails second = back_up_source();
    EXPECT_EQ(restore(second.summary.id, disk_).at("main").size(), 4 * kSegmentPages * kPage);
    EXPECT_NE(restore(second.summary.id, disk_), source_.contents()) << "the lie was not told";
    change_segment(0, 200);
    const SnapshotDetails third = back_up_source();
    EXPECT_EQ(third.summary.capture, Capture::reread);
    EXPECT_EQ(third.summary.parent, second.summary.id);
    EXPECT_NE(third.reason.find("of stream 'main' changed, and no sign of a change was seen"),
              std::string::npos)
        << third.reason;
    EXPECT_EQ(third.summary.doubtful, std::vector<SnapshotId>{second.summary.id});
    ASSERT_EQ(third.warnings.size(), 1U);
    EXPECT_NE(third.warnings[0].find(second.summary.id), std::string::npos);
    EXPECT_EQ(third.warnings[0].find(first.summary.id), std::string::npos);
    EXPECT_EQ(restore(third.summary.id, disk_), source_.contents());
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
    // It is over: what was read now is what later samples are compared with.
    const SnapshotDetails fourth = back_up_source();
    EXPECT_NE(fourth.summary.capture, Capture::reread);
    EXPECT_TRUE(fourth.summary.doubtful.empty());
    EXPECT_EQ(snapshots(disk_).at(2).doubtful, third.summary.doubtful) << "a list tells it too";
}

TEST_F(SampleTest, RowsAreComparedByTheirFingerprint) {
    SampleDatabase rows;
    for (std::uint64_t key = 0; key < 100; ++key) {
        rows.set_row("orders", key, "a row\n");
    }
    const SampleBehaviour lying{.segment_rows = 1000, .reuses_everything = true};
    back_up(rows, disk_, {}, lying);
    EXPECT_NE(back_up(rows, disk_, {}, lying).snapshot.summary.capture, Capture::reread);
    rows.set_row("orders", 7, "another row\n");
    const SnapshotDetails child = back_up(rows, disk_, {}, lying).snapshot;
    EXPECT_EQ(child.summary.capture, Capture::reread);
    EXPECT_EQ(restore(child.summary.id, disk_), rows.contents());
}

TEST_F(SampleTest, IsAnErrorWhereNoFallbackIsWanted) {
    back_up_source();
    change_segment(2, 100);
    BackupOptions options;
    options.fallback = Fallback::refused;
    try {
        back_up_source(options);
        FAIL();
    } catch (const SourceError& error) {
        EXPECT_EQ(error.code(), "fallback_refused");
        EXPECT_NE(std::string_view(error.what()).find("no sign of a change"),
                  std::string_view::npos);
    }
    EXPECT_EQ(snapshots(disk_).size(), 1U);
}

/// The second run looks at segment 2. Its stored chunk is damaged: the segment is read and stored
/// again, and the new snapshot is whole.
TEST_F(SampleTest, ADamagedChunkIsStoredAgain) {
    const SnapshotDetails first = back_up_source();
    const ChunkCopyPtr chunk = open_repository(disk_)
                                   ->manifest(first.summary.id, {})
                                   ->streams.at(0)
                                   .lists.at(0)
                                   .segments.at(2)
                                   .chunks.at(0);
    disk_.damage(pack_object_name(chunk->pack->name),
                 [&](Bytes& content) { content.at(chunk->offset_bytes) ^= 1U; });
    const SnapshotDetails second = back_up_source();
    EXPECT_EQ(second.summary.capture, Capture::reread);
    EXPECT_EQ(second.summary.chunks_new, 4U) << "all of its pack";
    EXPECT_FALSE(second.reason.empty());
    EXPECT_FALSE(second.warnings.empty());
    EXPECT_EQ(restore(second.summary.id, disk_), source_.contents());
}

/// A store where each reading costs a request: nothing is read of it to look at a sample.
class RemoteSampleTest : public SampleTest {
protected:
    RemoteSampleTest() : SampleTest({.capabilities = {.is_local = false, .listing_delay = {}}}) {}
};

TEST_F(RemoteSampleTest, AnHonestSourceCostsAWholeSegment) {
    back_up_source();
    for (unsigned run = 0; run < 5; ++run) {
        const SnapshotDetails child = back_up_source();
        EXPECT_EQ(child.summary.bytes_read, kSegmentPages * kPage);
        EXPECT_EQ(child.summary.chunks_new, 0U);
    }
}

TEST_F(RemoteSampleTest, AChangeOfAnyPageIsFoundWhenItsSegmentHasItsTurn) {
    const SnapshotDetails first = back_up_source();
    source_.set_page("main", 3 * kSegmentPages + kSegmentPages / 2, page_like(9, kPage));
    const SnapshotDetails second = back_up_source();
    EXPECT_NE(restore(second.summary.id, disk_), source_.contents()) << "the lie was not told";
    const SnapshotDetails third = back_up_source();
    EXPECT_EQ(third.summary.capture, Capture::reread);
    EXPECT_EQ(third.summary.doubtful, std::vector<SnapshotId>{second.summary.id});
    EXPECT_EQ(restore(third.summary.id, disk_), source_.contents());
}

}  // namespace
}  // namespace dbbackup
