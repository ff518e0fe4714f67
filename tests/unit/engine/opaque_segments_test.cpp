#include "stream_writer_fixture.hpp"

namespace dbbackup {
namespace {

constexpr std::size_t kChunksMax = 3;
constexpr std::size_t kBytes = 12'000'000;

class OpaqueSegmentsTest : public StreamWriterTest {
protected:
    OpaqueSegmentsTest() { opaque_chunks_max_ = kChunksMax; }

    StreamContents write_opaque(const Bytes& content, const StreamContents* parent = nullptr,
                                std::size_t portion = 65'536) {
        ScriptedSession session([&](const SegmentPlan& /*segment*/, SegmentSink& sink) {
            for (BytesView left = content; !left.empty();) {
                const std::size_t taken = std::min(portion, left.size());
                sink.opaque(left.first(taken));
                left = left.subspan(taken);
            }
        });
        return write(stream_plan(StreamKind::opaque, {{}}), session, parent);
    }
    std::vector<StoredSegment> segments_of(const StreamContents& stream) {
        std::vector<StoredSegment> all;
        SegmentLists lists(stream, *reader_);
        for (std::size_t list = 0; list < lists.count(); ++list) {
            const std::vector<StoredSegment>& segments = lists.list(list, {});
            all.insert(all.end(), segments.begin(), segments.end());
        }
        return all;
    }
};

TEST_F(OpaqueSegmentsTest, AreOfFewChunksEachAndTogetherTheStream) {
    const Bytes content = noise(1, kBytes);
    const StreamContents stream = write_opaque(content);
    EXPECT_EQ(stream.stream.size_bytes, content.size());
    EXPECT_EQ(bytes_of(stream), content);
    const std::vector<StoredSegment> segments = segments_of(stream);
    ASSERT_GT(segments.size(), 2U);
    std::uint64_t bytes = 0;
    for (std::size_t number = 0; number < segments.size(); ++number) {
        const StoredSegment& segment = segments[number];
        EXPECT_EQ(segment.range.lower, number == 0 ? "" : "#" + std::to_string(number));
        EXPECT_LE(segment.chunks.size(), kChunksMax);
        EXPECT_EQ(segment.chunks.size() == kChunksMax, number + 1 < segments.size());
        EXPECT_GT(segment.chunks.size(), 0U);
        bytes += segment.bytes;
    }
    EXPECT_EQ(bytes, content.size());
}

TEST_F(OpaqueSegmentsTest, AreCutWhereChunksAreHoweverTheBytesCome) {
    const Bytes content = noise(2, kBytes);
    const StreamContents one = write_opaque(content);
    const std::uint64_t stored = counts_->stored_whole;
    begin_run();
    const StreamContents other = write_opaque(content, nullptr, 1'000'003);
    EXPECT_EQ(counts_->stored_whole, 0U) << "of " << stored;
    EXPECT_EQ(segments_of(one).size(), segments_of(other).size());
}

TEST_F(OpaqueSegmentsTest, HaveThoseOfTheParentAsBases) {
    Bytes content = page_like(3, kBytes);
    const StreamContents parent = write_opaque(content);
    ASSERT_GT(segments_of(parent).size(), 2U);
    begin_run();
    content[content.size() - 10] ^= 1U;  // Far behind the first segment.
    const StreamContents stream = write_opaque(content, &parent);
    EXPECT_EQ(counts_->stored_delta, 1U);
    EXPECT_EQ(counts_->stored_whole, 0U);
    EXPECT_EQ(bytes_of(stream), content);
}

TEST_F(OpaqueSegmentsTest, OfNothingAreOne) {
    const StreamContents stream = write_opaque({});
    EXPECT_EQ(stream.stream.size_bytes, 0U);
    EXPECT_EQ(segments_of(stream).size(), 1U);
}

TEST_F(OpaqueSegmentsTest, TakeNothingElse) {
    const Bytes page(kPage);
    const std::string problem =
        this->problem(StreamKind::opaque, {},
                      [&](const SegmentPlan&, SegmentSink& sink) { sink.pages(0, page); });
    EXPECT_NE(problem.find("another kind"), std::string::npos) << problem;
}

}  // namespace
}  // namespace dbbackup
