#pragma once

/// @file
/// The least that an engine does with a connector, in memory: takes snapshots by the plan (reuse,
/// read, patch) and gives them back as streams. It checks the rules of connector.hpp on the way.

#include "base/error.hpp"
#include "connector/connector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {

/// The bytes of one segment as the sink got them.
struct MemorySegment {
    SegmentRange range;
    Bytes bytes;
    std::uint64_t row_count = 0;
};

struct MemoryStream {
    StreamPlan plan;
    std::vector<MemorySegment> segments;

    [[nodiscard]] Bytes content() const {
        Bytes all;
        for (const MemorySegment& segment : segments) {
            all.insert(all.end(), segment.bytes.begin(), segment.bytes.end());
        }
        return all;
    }
    [[nodiscard]] std::uint64_t row_count() const {
        std::uint64_t count = 0;
        for (const MemorySegment& segment : segments) {
            count += segment.row_count;
        }
        return count;
    }
};

/// One snapshot.
struct MemorySnapshot {
    std::vector<MemoryStream> streams;
    Capture capture = Capture::full;
    SessionEnd end;

    [[nodiscard]] Parent as_parent() const {
        Parent parent;
        parent.position = end.position;
        parent.state = end.state;
        for (const MemoryStream& stream : streams) {
            ParentStream stored;
            stored.name = stream.plan.name;
            stored.kind = stream.plan.kind;
            stored.page_bytes = stream.plan.page_bytes;
            stored.definition = stream.plan.definition;
            for (const MemorySegment& segment : stream.segments) {
                stored.size_bytes += segment.bytes.size();
                stored.segments.push_back(segment.range);
            }
            parent.streams.push_back(std::move(stored));
        }
        return parent;
    }
    [[nodiscard]] const MemorySegment* find(const std::string& stream,
                                            const SegmentRange& range) const {
        for (const MemoryStream& candidate : streams) {
            for (const MemorySegment& segment : candidate.segments) {
                if (candidate.plan.name == stream && segment.range == range) {
                    return &segment;
                }
            }
        }
        return nullptr;
    }
};

/// Checks that bytes come in the form that the stream's kind promises.
class CheckingSink final : public SegmentSink {
public:
    CheckingSink(const StreamPlan& stream, const SegmentPlan& plan, MemorySegment& segment)
        : stream_(stream), plan_(plan), segment_(segment), next_page_(plan.range.first_page) {}

    void pages(std::uint64_t first, BytesView bytes) override {
        EXPECT_EQ(stream_.kind, StreamKind::pages);
        ASSERT_EQ(bytes.size() % stream_.page_bytes, 0U) << "a page was cut";
        EXPECT_GE(first, next_page_) << "pages come in order";
        const std::uint64_t count = bytes.size() / stream_.page_bytes;
        EXPECT_LE(first + count, plan_.range.first_page + plan_.range.page_count);
        if (plan_.action == SegmentAction::patch) {
            const std::uint64_t at = (first - plan_.range.first_page) * stream_.page_bytes;
            ASSERT_LE(at + bytes.size(), segment_.bytes.size());
            std::copy(bytes.begin(), bytes.end(),
                      segment_.bytes.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            EXPECT_EQ(first, next_page_) << "pages are missing";
            append(bytes);
        }
        next_page_ = first + count;
    }
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override {
        EXPECT_EQ(stream_.kind, StreamKind::rows);
        ASSERT_FALSE(row_ends.empty());
        EXPECT_TRUE(std::is_sorted(row_ends.begin(), row_ends.end()));
        EXPECT_EQ(row_ends.back(), bytes.size()) << "a row was cut";
        segment_.row_count += row_ends.size();
        append(bytes);
    }
    void opaque(BytesView bytes) override {
        EXPECT_EQ(stream_.kind, StreamKind::opaque);
        append(bytes);
    }

private:
    void append(BytesView bytes) {
        segment_.bytes.insert(segment_.bytes.end(), bytes.begin(), bytes.end());
    }
    const StreamPlan& stream_;
    const SegmentPlan& plan_;
    MemorySegment& segment_;
    std::uint64_t next_page_;
};

/// Reads one segment by its plan; a reused one is also read as a sample and compared.
inline MemorySegment take_segment(Session& session, const StreamPlan& stream,
                                  const SegmentPlan& plan, const MemorySnapshot* parent) {
    MemorySegment segment{plan.range, {}, 0};
    const MemorySegment* const before =
        parent == nullptr ? nullptr : parent->find(stream.name, plan.range);
    if (plan.action == SegmentAction::patch) {
        EXPECT_NE(before, nullptr) << "patch of what the parent does not have";
        segment = *before;
    }
    CheckingSink sink(stream, plan, segment);
    session.read(stream, plan, sink, {});
    if (plan.action == SegmentAction::reuse) {
        EXPECT_NE(before, nullptr) << "reuse of what the parent does not have";
        EXPECT_TRUE(before != nullptr && before->bytes == segment.bytes)
            << "a segment planned for reuse has other bytes than the parent's";
    }
    if (stream.kind == StreamKind::pages) {
        EXPECT_EQ(segment.bytes.size(), plan.range.page_count * stream.page_bytes);
    }
    return segment;
}

inline MemorySnapshot take_snapshot(Connector& connector, const MemorySnapshot* parent = nullptr) {
    BackupRequest request;
    if (parent != nullptr) {
        request.parent = parent->as_parent();
    }
    const auto session = connector.begin(request, {});
    MemorySnapshot snapshot;
    for (StreamPlan& plan : session->plan()) {
        MemoryStream stream;
        stream.plan = std::move(plan);
        for (const SegmentPlan& segment : stream.plan.segments) {
            stream.segments.push_back(take_segment(*session, stream.plan, segment, parent));
        }
        snapshot.streams.push_back(std::move(stream));
    }
    snapshot.capture = session->capture();
    snapshot.end = session->finish({});
    return snapshot;
}

/// The same by several threads, as many as the connector takes and at most `readers`.
inline MemorySnapshot take_snapshot_together(Connector& connector, unsigned readers) {
    BackupRequest request;
    request.jobs = readers;
    const auto session = connector.begin(request, {});
    MemorySnapshot snapshot;
    std::vector<std::pair<std::size_t, std::size_t>> all;  // Stream and segment, in order.
    for (StreamPlan& plan : session->plan()) {
        MemoryStream stream;
        stream.segments.resize(plan.segments.size());
        for (std::size_t segment = 0; segment < plan.segments.size(); ++segment) {
            all.emplace_back(snapshot.streams.size(), segment);
        }
        stream.plan = std::move(plan);
        snapshot.streams.push_back(std::move(stream));
    }
    std::atomic<std::size_t> next = 0;
    {
        std::vector<std::jthread> threads;
        for (unsigned reader = 0; reader < std::min(readers, session->readers_max()); ++reader) {
            threads.emplace_back([&] {
                try {
                    for (std::size_t turn = next++; turn < all.size(); turn = next++) {
                        const auto& [stream, segment] = all[turn];
                        MemoryStream& into = snapshot.streams[stream];
                        into.segments[segment] =
                            take_segment(*session, into.plan, into.plan.segments[segment], nullptr);
                    }
                } catch (const std::exception& error) {
                    ADD_FAILURE() << error.what();
                }
            });
        }
    }
    snapshot.capture = session->capture();
    snapshot.end = session->finish({});
    return snapshot;
}

/// One stored stream. `read_all` delivers from two threads, in no particular order.
class MemoryStreamReader final : public StreamReader {
public:
    MemoryStreamReader(const MemoryStream& source, const Fingerprinter& fingerprinter)
        : content_(source.content()) {
        stream_.name = source.plan.name;
        stream_.kind = source.plan.kind;
        stream_.page_bytes = source.plan.page_bytes;
        stream_.size_bytes = content_.size();
        stream_.row_count = source.row_count();
        stream_.definition = source.plan.definition;
        if (stream_.kind == StreamKind::pages) {
            stream_.fingerprint = fingerprinter.of_pages(content_, stream_.page_bytes, 0);
        } else if (stream_.kind == StreamKind::rows) {
            const BytesView bytes = content_;
            for (std::size_t begin = 0; begin < bytes.size();) {
                const auto feed = std::find(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                                            bytes.end(), '\n');
                const auto end =
                    std::min(bytes.size(), static_cast<std::size_t>(feed - bytes.begin()) + 1);
                stream_.fingerprint += fingerprinter.of(bytes.subspan(begin, end - begin), 0);
                begin = end;
            }
        }
    }
    /// From here on reading past `offset` fails as damaged chunks do.
    void fail_from(std::uint64_t offset) { fails_from_ = offset; }

    [[nodiscard]] const StoredStream& stream() const override { return stream_; }

    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override {
        check(offset + out.size(), stop);
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(),
                    out.begin());
    }

    void read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                  std::stop_token stop) override {
        const std::size_t middle = content_.size() / 2;
        std::exception_ptr failure;
        {
            const std::jthread second([&] {
                try {
                    visit_parts(middle, content_.size(), visit, stop);
                } catch (...) {
                    failure = std::current_exception();
                }
            });
            visit_parts(0, middle, visit, stop);
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

private:
    void visit_parts(std::size_t begin, std::size_t end,
                     const std::function<void(std::uint64_t, BytesView)>& visit,
                     const std::stop_token& stop) const {
        constexpr std::size_t kPartBytes = 50'000;
        for (std::size_t offset = begin; offset < end; offset += kPartBytes) {
            const std::size_t length = std::min(kPartBytes, end - offset);
            check(offset + length, stop);
            visit(offset, BytesView(content_).subspan(offset, length));
        }
    }
    void check(std::uint64_t end, const std::stop_token& stop) const {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (end > fails_from_) {
            throw CorruptionError("a chunk is damaged");
        }
    }

    Bytes content_;
    StoredStream stream_;
    std::uint64_t fails_from_ = UINT64_MAX;
};

}  // namespace dbbackup
