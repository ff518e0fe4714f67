#include "engine/segment_lists.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"
#include "repository/snapshot_writer.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

StoredSegment pages(std::uint64_t first, std::uint64_t count) {
    StoredSegment segment;
    segment.range.first_page = first;
    segment.range.page_count = count;
    return segment;
}

StoredSegment rows(std::string lower, std::string upper) {
    StoredSegment segment;
    segment.range.lower = std::move(lower);
    segment.range.upper = std::move(upper);
    return segment;
}

/// A repository that counts what is fetched of packs, and damages it on demand.
class SegmentListsTest : public testing::Test {
protected:
    SegmentListsTest() : watched_(disk_, watching()) {
        make_repository(disk_);
        repository_ = open_repository(watched_);
        reader_ = std::make_unique<ChunkReader>(repository_->storage(), repository_->keys());
    }

    /// A stream whose lists are stored as chunks, one for each of `lists`.
    StreamContents stored(const std::vector<std::vector<StoredSegment>>& lists) {
        StreamContents stream;
        SampleContext sample;
        SnapshotWriter writer(*repository_, sample.clock, "backup", SourceId(16, 'a'), {});
        for (const std::vector<StoredSegment>& list : lists) {
            const std::string record = encode_chunk_list(list);
            ChunkForm form;
            form.id = repository_->keys().chunk_id(as_bytes(record));
            form.plain_bytes = static_cast<std::uint32_t>(record.size());
            SegmentListRef ref;
            ref.first_page = list.front().range.first_page;
            ref.chunk = writer.add(std::move(form), as_bytes(record), {});
            stream.lists.push_back(std::move(ref));
            writer.flush();  // A pack for each, so that a fetch is of one list.
        }
        return stream;
    }
    static StreamContents held(std::vector<std::vector<StoredSegment>> lists) {
        StreamContents stream;
        for (std::vector<StoredSegment>& list : lists) {
            SegmentListRef ref;
            ref.first_page = list.front().range.first_page;
            ref.segments = std::move(list);
            stream.lists.push_back(std::move(ref));
        }
        return stream;
    }
    static SegmentRange range_of(std::uint64_t first, std::uint64_t count) {
        return pages(first, count).range;
    }

    MemoryStorage disk_;
    unsigned fetches_ = 0;
    bool is_damaging_ = false;
    FaultyStorage watched_;
    std::unique_ptr<Repository> repository_;
    std::unique_ptr<ChunkReader> reader_;

private:
    Faults watching() {
        Faults faults;
        faults.read = [this](const StorageCall& call, Bytes& content) {
            if (call.name.starts_with("packs/")) {
                ++fetches_;
                content.at(kPackHeaderBytes) ^= is_damaging_ ? 1U : 0U;  // In its first chunk.
            }
        };
        return faults;
    }
};

TEST_F(SegmentListsTest, PagesAreFoundByTheirFirstPage) {
    const std::vector<std::vector<StoredSegment>> lists = {
        {pages(10, 10), pages(20, 10)}, {pages(40, 10)}, {pages(50, 10), pages(60, 3)}};
    for (const StreamContents& stream : {held(lists), stored(lists)}) {
        SegmentLists found(stream, *reader_);
        ASSERT_EQ(found.count(), 3U);
        for (const std::uint64_t first : {10U, 20U, 40U, 50U, 60U}) {
            const StoredSegment* segment = found.find(range_of(first, 10), StreamKind::pages, {});
            ASSERT_NE(segment, nullptr) << first;
            EXPECT_EQ(segment->range.first_page, first);
        }
        // The last segment had three pages and was asked for with ten: it has grown.
        EXPECT_EQ(found.find(range_of(60, 10), StreamKind::pages, {})->range.page_count, 3U);
        for (const std::uint64_t first : {0U, 9U, 11U, 30U, 39U, 55U, 61U, 1000U}) {
            EXPECT_EQ(found.find(range_of(first, 10), StreamKind::pages, {}), nullptr) << first;
        }
    }
}

TEST_F(SegmentListsTest, RowsAreFoundByTheirFirstKey) {
    const std::vector<std::vector<StoredSegment>> lists = {{rows("", "b"), rows("b", "k")},
                                                           {rows("k", "")}};
    for (const StreamContents& stream : {held(lists), stored(lists)}) {
        SegmentLists found(stream, *reader_);
        for (const StoredSegment& wanted : {rows("", "b"), rows("b", "k"), rows("k", "")}) {
            const StoredSegment* segment = found.find(wanted.range, StreamKind::rows, {});
            ASSERT_NE(segment, nullptr) << wanted.range.lower;
            EXPECT_EQ(segment->range, wanted.range);
        }
        // A table that has grown: what was its last segment has an end now.
        EXPECT_EQ(found.find(rows("k", "z").range, StreamKind::rows, {})->range,
                  rows("k", "").range);
        for (const char* const lower : {"a", "j", "z"}) {
            EXPECT_EQ(found.find(rows(lower, "").range, StreamKind::rows, {}), nullptr) << lower;
        }
    }
}

/// What is not there is asked for as often as a table has grown by segments: it costs no list.
TEST_F(SegmentListsTest, ListsOfRowsAreFetchedOnceThoughSomeAreNotThere) {
    const StreamContents stream = stored({{rows("", "b"), rows("b", "d")}, {rows("d", "f")}});
    SegmentLists lists(stream, *reader_);
    EXPECT_NE(lists.find(rows("", "b").range, StreamKind::rows, {}), nullptr);
    EXPECT_EQ(fetches_, 1U);
    EXPECT_NE(lists.find(rows("d", "f").range, StreamKind::rows, {}), nullptr);
    for (const char* const lower : {"f", "h", "k", "m"}) {
        EXPECT_EQ(lists.find(rows(lower, "").range, StreamKind::rows, {}), nullptr);
    }
    EXPECT_EQ(fetches_, 2U);
}

TEST_F(SegmentListsTest, AnEmptyStreamHasNothing) {
    const StreamContents stream;
    SegmentLists lists(stream, *reader_);
    EXPECT_EQ(lists.count(), 0U);
    EXPECT_EQ(lists.find(range_of(0, 1), StreamKind::pages, {}), nullptr);
    EXPECT_EQ(lists.find(rows("", "").range, StreamKind::rows, {}), nullptr);
    EXPECT_EQ(lists.list_chunk(0), nullptr) << "a parent may have fewer lists";
}

TEST_F(SegmentListsTest, OnlyListsThatAreStoredApartHaveAChunk) {
    StreamContents stream = stored({{pages(0, 10)}});
    stream.lists.push_back(held({{pages(10, 10)}}).lists.front());
    SegmentLists lists(stream, *reader_);
    EXPECT_EQ(lists.list_chunk(0), stream.lists[0].chunk);
    EXPECT_EQ(lists.list_chunk(1), nullptr);
    EXPECT_EQ(lists.list_chunk(2), nullptr);
    EXPECT_EQ(lists.list(1, {}).front().range, range_of(10, 10));
    EXPECT_EQ(fetches_, 0U) << "what the manifest holds is not fetched";
}

TEST_F(SegmentListsTest, AListIsDecodedOnceWhileItIsAskedFor) {
    const StreamContents stream =
        stored({{pages(0, 1), pages(1, 1), pages(2, 1)}, {pages(3, 1), pages(4, 1)}});
    SegmentLists lists(stream, *reader_);
    for (std::uint64_t page = 0; page < 5; ++page) {
        EXPECT_NE(lists.find(range_of(page, 1), StreamKind::pages, {}), nullptr);
        EXPECT_EQ(fetches_, page < 3 ? 1U : 2U) << page;
    }
    EXPECT_EQ(lists.list(0, {}).size(), 3U);
    EXPECT_EQ(fetches_, 2U) << "what was read lately is not fetched again";
}

TEST_F(SegmentListsTest, ADamagedListIsSaidEveryTimeAndNeverTakenForAnother) {
    const StreamContents stream = stored({{pages(0, 1)}, {pages(1, 1)}});
    SegmentLists lists(stream, *reader_);
    EXPECT_EQ(lists.list(0, {}).front().range, range_of(0, 1));
    is_damaging_ = true;
    for (int attempt = 0; attempt < 2; ++attempt) {
        try {
            static_cast<void>(lists.list(1, {}));
            FAIL() << "attempt " << attempt;
        } catch (const CorruptionError& error) {
            const std::string pack = pack_object_name(stream.lists[1].chunk->pack->name).text();
            EXPECT_NE(std::string_view(error.what()).find(pack), std::string_view::npos);
        }
    }
    is_damaging_ = false;
    EXPECT_EQ(lists.list(0, {}).front().range, range_of(0, 1));
    EXPECT_EQ(lists.list(1, {}).front().range, range_of(1, 1));
}

}  // namespace
}  // namespace dbbackup
