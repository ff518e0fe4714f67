/// @file
/// What rows are deltas on, though they do not stay where they were.

#include "stream_writer_fixture.hpp"

#include <fmt/format.h>

namespace dbbackup {
namespace {

class RowDeltas : public StreamWriterTest {};

/// Some rows are new near the beginning, and one changed further on: no chunk begins where it did,
/// and each meets the one that has nearly all of its rows.
TEST_F(RowDeltas, RowsBehindAnInsertionAreDeltas) {
    std::vector<std::string> rows;
    Random random(1);
    for (std::uint64_t row = 0; row < 60'000; ++row) {
        rows.push_back(fmt::format("{}\t{:016x}\t{:016x}\n", row, random.next(), random.next()));
    }
    ScriptedSession session([&](const SegmentPlan&, SegmentSink& sink) {
        for (const std::string& row : rows) {
            const std::uint32_t end = static_cast<std::uint32_t>(row.size());
            sink.rows(as_bytes(row), std::span(&end, 1));
        }
    });
    const StreamPlan plan = stream_plan(StreamKind::rows, {SegmentPlan{}});
    const StreamContents parent = write(plan, session);
    ASSERT_EQ(parent.lists.at(0).segments.at(0).chunks.size(), 3U);
    const std::uint64_t stored_before = counts_->stored_bytes;
    begin_run();
    rows.insert(rows.begin() + 10, 20, "inserted\t0123456789abcdef\n");
    rows[50'000] = "changed\n";
    const StreamContents child = write(plan, session, &parent);
    EXPECT_EQ(counts_->stored_delta, 3U);
    EXPECT_EQ(counts_->stored_whole, 0U);
    EXPECT_LT(counts_->stored_bytes, stored_before / 100);
    Bytes expected;
    for (const std::string& row : rows) {
        expected.insert(expected.end(), row.begin(), row.end());
    }
    EXPECT_EQ(bytes_of(child), expected);
}

}  // namespace
}  // namespace dbbackup
