#include "stream_writer_fixture.hpp"

#include <map>

namespace dbbackup {
namespace {

TEST_F(StreamWriterTest, ASegmentOfOneChunkProvesItAsABase) {
    // Chunks that decode to other bytes than their ids name: only their segments prove them.
    const auto misname = [this](StoredSegment& segment, const Bytes& content) {
        std::size_t start = 0;
        for (ChunkCopyPtr& chunk : segment.chunks) {
            const Bytes name(1, static_cast<std::uint8_t>(start / kPage));
            const BytesView plain = BytesView(content).subspan(start, chunk->plain_bytes);
            start += chunk->plain_bytes;
            chunk = writer_->add(
                {repository_->keys().chunk_id(name), chunk->plain_bytes, Codec::stored, 0, 0, {}},
                plain, {});
        }
        writer_->flush();
    };
    for (const std::uint64_t pages : {512U, 1024U}) {
        const std::uint64_t chunks = pages / 512;
        const Bytes monday = page_like(pages, pages * kPage);
        StreamContents parent = write_pages(monday, {pages_plan(0, pages)});
        ASSERT_EQ(parent.lists.at(0).segments.at(0).chunks.size(), chunks);
        misname(parent.lists[0].segments[0], monday);
        Bytes tuesday = monday;
        for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
            tuesday[chunk * 512 * kPage] ^= 1U;
        }
        begin_run();
        const StreamContents stream = write_pages(tuesday, {pages_plan(0, pages)}, &parent);
        EXPECT_EQ(counts_->stored_delta, chunks == 1 ? 1U : 0U) << chunks;
        EXPECT_EQ(counts_->stored_whole, chunks == 1 ? 0U : 2U) << chunks;
        begin_run();
    }
}

TEST_F(StreamWriterTest, SumsUpPages) {
    const Bytes content = page_like(1, 10 * kPage);
    const StreamContents stream = write_pages(content, {pages_plan(0, 6), pages_plan(6, 4)});
    EXPECT_EQ(stream.stream.name, "main");
    EXPECT_EQ(stream.stream.kind, StreamKind::pages);
    EXPECT_EQ(stream.stream.page_bytes, kPage);
    EXPECT_EQ(stream.stream.definition, "create it");
    EXPECT_EQ(stream.consistency, Consistency::locked);
    EXPECT_EQ(stream.stream.size_bytes, content.size());
    EXPECT_EQ(stream.stream.row_count, 0U);
    EXPECT_EQ(stream.stream.fingerprint, fingerprinter().of_pages(content, kPage, 0));
    ASSERT_EQ(stream.lists.size(), 1U);
    EXPECT_FALSE(stream.lists[0].chunk) << "small lists stay in the manifest";
    EXPECT_EQ(stream.lists[0].bytes, content.size());
    ASSERT_EQ(stream.lists[0].segments.size(), 2U);
    EXPECT_EQ(stream.lists[0].segments[1].range.first_page, 6U);
    EXPECT_EQ(stream.lists[0].segments[1].bytes, 4U * kPage);
    EXPECT_EQ(stream.lists[0].segments[1].read_sequence, 1U);
    EXPECT_EQ(bytes_of(stream), content);
}

TEST_F(StreamWriterTest, SumsUpRowsWhateverTheirOrder) {
    const std::string forth = "first\nsecond\n";
    const std::string back = "second\nfirst\n";
    std::vector<Fingerprint> sums;
    for (const std::string& text : {forth, back}) {
        ScriptedSession session([&](const SegmentPlan&, SegmentSink& sink) {
            const std::vector<std::uint32_t> ends = {
                static_cast<std::uint32_t>(text.find('\n') + 1),
                static_cast<std::uint32_t>(text.size())};
            sink.rows(as_bytes(text), ends);
            sink.rows({}, {});
        });
        const StreamContents stream =
            write(stream_plan(StreamKind::rows, {SegmentPlan{}}), session);
        EXPECT_EQ(stream.stream.row_count, 2U);
        EXPECT_EQ(stream.stream.size_bytes, text.size());
        sums.push_back(stream.stream.fingerprint);
    }
    EXPECT_EQ(sums[0], sums[1]);
    Fingerprint expected = fingerprinter().of(as_bytes("first\n"), 0);
    expected += fingerprinter().of(as_bytes("second\n"), 0);
    EXPECT_EQ(sums[0], expected);
}

TEST_F(StreamWriterTest, AnEmptyStreamHasSegmentsWithoutChunks) {
    ScriptedSession session([](const SegmentPlan&, SegmentSink& sink) { sink.opaque({}); });
    const StreamContents stream = write(stream_plan(StreamKind::opaque, {SegmentPlan{}}), session);
    EXPECT_EQ(stream.stream.size_bytes, 0U);
    ASSERT_EQ(stream.lists.size(), 1U);
    EXPECT_TRUE(stream.lists[0].segments.at(0).chunks.empty());
    EXPECT_TRUE(write_pages({}, {}).lists.empty());
}

TEST_F(StreamWriterTest, RefusesPartsOfRows) {
    const std::string text = "one\ntwo\n";
    for (const std::vector<std::uint32_t>& ends :
         std::vector<std::vector<std::uint32_t>>{{}, {4}, {4, 9}, {8, 4}, {5, 4, 8}}) {
        EXPECT_EQ(problem(StreamKind::rows, {},
                          [&](auto&, SegmentSink& sink) { sink.rows(as_bytes(text), ends); }),
                  "the connector gave a part of a row");
    }
}

TEST_F(StreamWriterTest, RefusesBytesOfAnotherKind) {
    const Bytes page(kPage);
    const std::vector<std::uint32_t> ends = {kPage};
    const std::map<StreamKind, Read> reads = {
        {StreamKind::pages, [&](auto&, SegmentSink& sink) { sink.pages(0, page); }},
        {StreamKind::rows, [&](auto&, SegmentSink& sink) { sink.rows(page, ends); }},
        {StreamKind::opaque, [&](auto&, SegmentSink& sink) { sink.opaque(page); }}};
    for (const auto& [planned, unused] : reads) {
        for (const auto& [given, read] : reads) {
            EXPECT_EQ(
                problem(planned, pages_plan(0, 1), read),
                planned == given ? "" : "the connector gave bytes of another kind than it planned");
        }
    }
}

TEST_F(StreamWriterTest, TakesOverASegmentUnread) {
    const Bytes content = page_like(1, 10 * kPage);
    const StreamContents parent = write_pages(content, {pages_plan(0, 6), pages_plan(6, 4)});
    begin_run();
    ScriptedSession session(pages_of(content));
    const StreamContents child =
        write(stream_plan(StreamKind::pages, {pages_plan(0, 6, SegmentAction::reuse),
                                              pages_plan(6, 4, SegmentAction::read)}),
              session, &parent);
    EXPECT_EQ(session.asked, std::vector{SegmentAction::read}) << "the second one only";
    EXPECT_EQ(child.stream.fingerprint, parent.stream.fingerprint);
    EXPECT_EQ(child.stream.size_bytes, parent.stream.size_bytes);
    EXPECT_EQ(child.lists[0].segments[0].chunks, parent.lists[0].segments[0].chunks);
    EXPECT_EQ(child.lists[0].segments[0].read_sequence, 1U) << "when it was really read";
    EXPECT_EQ(child.lists[0].segments[1].read_sequence, 2U);
    EXPECT_EQ(counts_->reused, 2U);
    EXPECT_EQ(counts_->stored_whole + counts_->stored_delta, 0U);
}

TEST_F(StreamWriterTest, ReadsWhatItShouldTakeOverAndTheParentDoesNotHave) {
    const Bytes content = page_like(1, 10 * kPage);
    const StreamContents parent = write_pages(content, {pages_plan(0, 6)});
    StreamContents other_pages = parent;
    other_pages.stream.page_bytes = 2 * kPage;
    StreamContents other_kind = parent;
    other_kind.stream.kind = StreamKind::rows;
    begin_run();
    // The parent's segment is shorter, begins elsewhere, is of other pages or rows; or there is
    // none.
    struct Case {
        std::uint64_t first;
        std::uint64_t count;
        const StreamContents* parent;
    };
    for (const Case& each : {Case{0, 8, &parent}, Case{1, 6, &parent}, Case{0, 6, &other_pages},
                             Case{0, 6, &other_kind}, Case{0, 6, nullptr}}) {
        ScriptedSession session(pages_of(content));
        const StreamContents child =
            write(stream_plan(StreamKind::pages,
                              {pages_plan(each.first, each.count, SegmentAction::reuse)}),
                  session, each.parent);
        EXPECT_EQ(session.asked, std::vector{SegmentAction::read});
        EXPECT_EQ(child.stream.size_bytes, each.count * kPage);
    }
}

/// Two chunks of 512 pages; a page of the second one changes.
TEST_F(StreamWriterTest, APatchKeepsTheChunksThatItDoesNotTouch) {
    Bytes content = page_like(1, 1024 * kPage);
    const StreamContents parent = write_pages(content, {pages_plan(0, 1024)});
    begin_run();
    const Bytes page = page_like(2, kPage);
    ScriptedSession session([&](const SegmentPlan&, SegmentSink& sink) { sink.pages(700, page); });
    const StreamContents child =
        write(stream_plan(StreamKind::pages, {pages_plan(0, 1024, SegmentAction::patch)}), session,
              &parent);
    EXPECT_EQ(session.asked, std::vector{SegmentAction::patch});
    std::ranges::copy(page, content.begin() + 700 * kPage);
    EXPECT_EQ(bytes_of(child), content);
    EXPECT_EQ(child.stream.fingerprint, fingerprinter().of_pages(content, kPage, 0));
    EXPECT_EQ(child.lists[0].segments[0].chunks[0], parent.lists[0].segments[0].chunks[0]);
    EXPECT_EQ(counts_->reused, 1U);
    EXPECT_EQ(counts_->stored_delta, 1U);
    EXPECT_EQ(counts_->stored_whole, 0U);
}

TEST_F(StreamWriterTest, RefusesPatchesThatDoNotFit) {
    const Bytes content = page_like(1, 8 * kPage);
    const StreamContents parent = write_pages(content, {pages_plan(0, 4), pages_plan(4, 4)});
    const Bytes page(kPage);
    const auto gives = [&page](std::uint64_t first) -> Read {
        return [&page, first](const SegmentPlan&, SegmentSink& sink) { sink.pages(first, page); };
    };
    const SegmentPlan second = pages_plan(4, 4, SegmentAction::patch);
    EXPECT_EQ(problem(StreamKind::pages, second, gives(4), &parent), "");
    for (const std::uint64_t outside : {0U, 3U, 8U}) {
        EXPECT_EQ(problem(StreamKind::pages, second, gives(outside), &parent),
                  "the connector gave pages outside of the segment");
    }
    const std::string without = "the connector planned a patch where the parent has no segment";
    EXPECT_EQ(problem(StreamKind::pages, second, gives(4)), without);
    EXPECT_EQ(problem(StreamKind::pages, pages_plan(4, 3, SegmentAction::patch), gives(4), &parent),
              without);
    EXPECT_EQ(problem(StreamKind::pages, pages_plan(8, 4, SegmentAction::patch), gives(8), &parent),
              without);
}

/// A list is closed when it refers to enough copies, and from then on lists are chunks.
TEST_F(StreamWriterTest, ManySegmentsMakeManyLists) {
    constexpr std::uint64_t kSegments = kListChunksMax + 10;
    std::vector<SegmentPlan> segments;
    for (std::uint64_t segment = 0; segment < kSegments; ++segment) {
        segments.push_back(pages_plan(segment, 1));
    }
    ScriptedSession session([](const SegmentPlan& segment, SegmentSink& sink) {
        sink.pages(segment.range.first_page,
                   Bytes(kPage, static_cast<std::uint8_t>(segment.range.first_page)));
    });
    const StreamContents stream = write(stream_plan(StreamKind::pages, segments), session);
    // Equal pages are stored once, unless one of the threads stands still over a page until its
    // like comes by: it is not known before it is sealed.
    EXPECT_GE(counts_->stored_whole, 256U);
    EXPECT_LE(counts_->stored_whole, 256U + 8U);
    EXPECT_EQ(counts_->stored_whole + counts_->reused, kSegments);
    ASSERT_EQ(stream.lists.size(), 2U);
    EXPECT_EQ(stream.lists[0].first_page, 0U);
    EXPECT_EQ(stream.lists[1].first_page, kListChunksMax);
    EXPECT_EQ(stream.lists[1].bytes, 10U * kPage);
    SegmentLists lists(stream, *reader_);
    std::uint64_t next = 0;
    for (std::size_t index = 0; index < lists.count(); ++index) {
        ASSERT_TRUE(stream.lists[index].chunk);
        EXPECT_TRUE(stream.lists[index].segments.empty());
        for (const StoredSegment& segment : lists.list(index, {})) {
            EXPECT_EQ(segment.range.first_page, next++);
        }
    }
    EXPECT_EQ(next, kSegments);
}

TEST_F(StreamWriterTest, AnErrorInTheMiddleEndsTheThreads) {
    const Bytes content = page_like(1, 64 * kPage);
    EXPECT_EQ(problem(StreamKind::pages, pages_plan(0, 64),
                      [&](auto&, SegmentSink& sink) {
                          sink.pages(0, BytesView(content).first(60 * kPage));
                          throw SourceError("the disk is gone");
                      }),
              "the disk is gone");
}

}  // namespace
}  // namespace dbbackup
