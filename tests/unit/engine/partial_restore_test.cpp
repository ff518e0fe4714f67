/// @file
/// A partial restore gives all that can be had of a damaged snapshot, zeros in the place of the
/// rest, and names each page that is lost; without being asked for, nothing is restored.

#include "base/error.hpp"
#include "engine/restore.hpp"
#include "engine/segment_lists.hpp"
#include "repository/manifest.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 512;
/// So many that there are two lists, which are stored apart.
constexpr std::uint64_t kPages = 1100;
constexpr std::uint64_t kFirstList = kListChunksMax;

/// Two snapshots; the second one has page 5 as a delta on the first one's, and a new page 7.
class PartialRestore : public testing::TestWithParam<Encryption> {
protected:
    PartialRestore() {
        make_repository(disk_, GetParam());
        shop_.set_pages("main", page_like(1, kPages * kPage), kPage);
        take();
        Bytes page = page_like(1, kPages * kPage);
        page = Bytes(page.begin() + 5 * kPage, page.begin() + 6 * kPage);
        page[100] ^= 1U;
        shop_.set_page("main", 5, page);
        shop_.set_page("main", 7, noise(7, kPage));
        take();
    }

    void take() { snapshot_ = back_up(shop_, disk_, {}, {.segment_pages = 1}).snapshot.summary; }

    /// @param piece Not 0: by random access.
    RestoreOutcome restore_shop(const RestoreOptions& options, unsigned piece = 0) {
        const auto repository = open_repository(disk_);
        const SampleDatabase none;
        SampleConnector connector(none, targets_, {.restore_piece_bytes = piece});
        SampleContext sample;
        return restore(*repository, snapshot_.id, connector, options, sample.context(), {});
    }
    static RestoreOptions partial() {
        RestoreOptions options;
        options.target = "target";
        options.is_partial = true;
        return options;
    }

    [[nodiscard]] std::unique_ptr<Manifest> manifest() {
        return open_repository(disk_)->manifest(snapshot_.id, {});
    }
    /// One for each page.
    [[nodiscard]] std::vector<ChunkCopyPtr> chunks() {
        const auto repository = open_repository(disk_);
        ChunkReader reader(repository->storage(), repository->keys());
        const auto found = manifest();
        SegmentLists lists(found->streams.at(0), reader);
        std::vector<ChunkCopyPtr> all;
        for (std::size_t index = 0; index < lists.count(); ++index) {
            for (const StoredSegment& segment : lists.list(index, {})) {
                all.push_back(segment.chunks.at(0));
            }
        }
        return all;
    }
    [[nodiscard]] ChunkCopyPtr chunk(std::uint64_t page) { return chunks().at(page); }
    void flip(const ChunkCopy& copy) {
        disk_.damage(pack_object_name(copy.pack->name),
                     [&copy](Bytes& content) { content.at(copy.offset_bytes + 5) ^= 1U; });
    }

    /// These pages, `[first, first + count)`, are lost for that reason, and no others are.
    void expect_lost(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges,
                     const std::string& problem) {
        try {
            RestoreOptions whole = partial();
            whole.is_partial = false;
            restore_shop(whole);
            ADD_FAILURE() << "restored as if nothing were lost";
        } catch (const CorruptionError& error) {
            EXPECT_NE(error.hint().find("--partial"), std::string::npos) << error.hint();
        }
        EXPECT_TRUE(targets_.empty());
        Bytes expected = shop_.contents().at("main");
        for (const auto& [first, count] : ranges) {
            const auto begin = expected.begin() + static_cast<std::ptrdiff_t>(first * kPage);
            std::fill(begin, begin + static_cast<std::ptrdiff_t>(count * kPage), std::uint8_t{0});
        }
        for (const unsigned piece : {0U, 3 * kPage}) {
            const RestoreOutcome outcome = restore_shop(partial(), piece);
            EXPECT_TRUE(targets_.at("target").at("main") == expected) << "piece " << piece;
            targets_.clear();
            ASSERT_EQ(outcome.lost.size(), ranges.size()) << "piece " << piece;
            for (std::size_t index = 0; index < ranges.size(); ++index) {
                const LostRange& lost = outcome.lost[index];
                EXPECT_EQ(std::pair(lost.first_page, lost.page_count), ranges[index]);
                EXPECT_EQ(lost.stream, "main");
                EXPECT_TRUE(lost.is_filled);
                EXPECT_NE(lost.problem.find(problem), std::string::npos) << lost.problem;
                EXPECT_NE(lost_range_text(lost).find("lost"), std::string::npos);
            }
        }
    }

    void expect_refused(const RestoreOptions& options, std::string_view code) {
        try {
            restore_shop(options);
            FAIL() << code;
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), code);
        }
        EXPECT_TRUE(targets_.empty());
    }

    MemoryStorage disk_;
    SampleDatabase shop_;
    SnapshotSummary snapshot_;
    SampleConnector::Targets targets_;
};

INSTANTIATE_TEST_SUITE_P(Encryptions, PartialRestore,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(PartialRestore, OfAWholeSnapshotIsWhole) {
    const RestoreOutcome outcome = restore_shop(partial());
    EXPECT_TRUE(outcome.lost.empty());
    EXPECT_EQ(targets_.at("target"), shop_.contents());
}

TEST_P(PartialRestore, DamagedChunksLeaveTheRest) {
    flip(*chunk(20));
    flip(*chunk(21));
    const ChunkCopyPtr last = chunk(kPages - 1);
    flip(*last);
    expect_lost({{20, 1}, {21, 1}, {kPages - 1, 1}}, "is not what was sealed there");
}

TEST_P(PartialRestore, ADamagedBaseTakesItsDeltaAlong) {
    const ChunkCopyPtr delta = chunk(5);
    ASSERT_EQ(delta->bases.size(), 1U);
    flip(*delta->bases.front());
    expect_lost({{5, 1}}, pack_object_name(delta->bases.front()->pack->name).text());
}

TEST_P(PartialRestore, AMissingPackLeavesTheOthers) {
    const ObjectName pack = pack_object_name(chunk(7)->pack->name);
    disk_.remove(pack, {});
    expect_lost({{5, 1}, {7, 1}}, pack.text() + " is missing");
}

TEST_P(PartialRestore, APackThatIsCutLeavesWhatStandsBefore) {
    const std::vector<ChunkCopyPtr> all = chunks();
    const ChunkCopy& first = *all.at(900);
    disk_.damage(pack_object_name(first.pack->name),
                 [&](Bytes& content) { content.resize(first.offset_bytes + 1); });
    std::vector<std::pair<std::uint64_t, std::uint64_t>> lost;
    for (std::uint64_t page = 0; page < kPages; ++page) {
        const ChunkCopy* part = all[page].get();
        while (!part->bases.empty()) {
            part = part->bases.front().get();
        }
        if (part->pack->name == first.pack->name && part->offset_bytes >= first.offset_bytes) {
            lost.emplace_back(page, 1);  // Each chunk has a message of its own.
        }
    }
    ASSERT_FALSE(lost.empty());
    ASSERT_LT(lost.size(), kPages);
    expect_lost(lost, "too short");
}

TEST_P(PartialRestore, ADamagedListLeavesWhatTheOtherListsName) {
    const auto found = manifest();
    ASSERT_EQ(found->streams.at(0).lists.size(), 2U);
    flip(*found->streams.at(0).lists.at(0).chunk);
    expect_lost({{0, kFirstList}}, "a segment list: packs/");
}

TEST_P(PartialRestore, AMissingPackOfListsLeavesNothing) {
    const auto found = manifest();
    disk_.remove(pack_object_name(found->streams.at(0).lists.at(1).chunk->pack->name), {});
    expect_lost({{0, kPages}}, "is missing");
}

TEST_P(PartialRestore, KeepsPagesThatAreNotTheRightOnesAndSaysSo) {
    shop_ = SampleDatabase();
    shop_.set_pages("main", page_like(3, 8 * kPage), kPage);
    take();
    const ObjectName name = manifest_object_name(snapshot_.source_id, snapshot_.id);
    const auto repository = open_repository(disk_);
    const auto found = manifest();
    ++found->streams.at(0).lists.at(0).segments.at(2).fingerprint.low;
    const Bytes forged = encode_manifest(repository->keys(), name, *found);
    disk_.damage(name, [&](Bytes& content) { content = forged; });
    const RestoreOutcome outcome = restore_shop(partial());
    EXPECT_EQ(targets_.at("target"), shop_.contents());
    ASSERT_EQ(outcome.lost.size(), 1U);
    EXPECT_EQ(outcome.lost.front().first_page, 2U);
    EXPECT_FALSE(outcome.lost.front().is_filled);
    EXPECT_NE(lost_range_text(outcome.lost.front()).find("not what was read"), std::string::npos);
}

TEST_P(PartialRestore, DoesNotMakeUpRows) {
    shop_ = SampleDatabase();
    shop_.set_row("orders", 1, "first\n");
    take();
    flip(*manifest()->streams.at(0).lists.at(0).segments.at(0).chunks.at(0));
    EXPECT_THROW(restore_shop(partial()), CorruptionError);
    EXPECT_TRUE(targets_.empty());
}

TEST_P(PartialRestore, ReplacesNothingAndProvesNothing) {
    RestoreOptions options = partial();
    options.verify = true;
    expect_refused(options, "usage");
    options = partial();
    options.overwrite = Overwrite::yes;
    expect_refused(options, "usage");
    options = partial();
    options.selection.names = NameSelection::parse({"orders"}, {});
    expect_refused(options, "selection_not_supported");
}

TEST(LostRanges, NamesEachPageOnceInOrder) {
    StoredStream stream;
    stream.name = "main";
    stream.page_bytes = kPage;
    LostRanges lost;
    lost.add(stream, 8 * kPage, 2 * kPage, true, "b");
    lost.add(stream, 0, 2 * kPage, true, "a");
    lost.add(stream, 2 * kPage, kPage, true, "a");
    lost.add(stream, 0, 2 * kPage, true, "a");
    lost.add(stream, 9 * kPage, 3 * kPage, true, "c");
    const std::vector<LostRange> expected = {
        {"main", 0, 3, true, "a"}, {"main", 8, 2, true, "b"}, {"main", 10, 2, true, "c"}};
    EXPECT_EQ(lost.ranges(), expected);
    EXPECT_TRUE(LostRanges().ranges().empty());
}

}  // namespace
}  // namespace dbbackup
