#pragma once

/// @file
/// Streams of a snapshot, written from what a test says a database gives.

#include "base/error.hpp"
#include "engine/stream_writer.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {

inline constexpr std::uint32_t kPage = 4096;
inline const SourceId kSource(16, 'a');

using Read = std::function<void(const SegmentPlan&, SegmentSink&)>;

/// A session that gives what the test says, and writes down what it was asked for.
class ScriptedSession final : public Session {
public:
    explicit ScriptedSession(Read read) : read_(std::move(read)) {}

    std::vector<StreamPlan> plan() override { return {}; }
    [[nodiscard]] Capture capture() const override { return Capture::full; }
    [[nodiscard]] std::string reason() const override { return ""; }
    [[nodiscard]] unsigned readers_max() const override { return 1; }
    void read(const StreamPlan& /*stream*/, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token /*stop*/) override {
        asked.push_back(segment.action);
        read_(segment, sink);
    }
    SessionEnd finish(std::stop_token /*stop*/) override { return {}; }

    std::vector<SegmentAction> asked;

private:
    Read read_;
};

inline SegmentPlan pages_plan(std::uint64_t first, std::uint64_t count,
                              SegmentAction action = SegmentAction::read) {
    SegmentPlan segment;
    segment.range.first_page = first;
    segment.range.page_count = count;
    segment.action = action;
    return segment;
}

inline StreamPlan stream_plan(StreamKind kind, std::vector<SegmentPlan> segments) {
    return {"main",
            kind,
            kind == StreamKind::pages ? kPage : 0,
            "create it",
            Consistency::locked,
            std::move(segments)};
}

/// Gives the pages of `content` that the segment asks for.
inline Read pages_of(const Bytes& content) {
    return [&content](const SegmentPlan& segment, SegmentSink& sink) {
        sink.pages(segment.range.first_page,
                   BytesView(content).subspan(segment.range.first_page * kPage,
                                              segment.range.page_count * kPage));
    };
}

class StreamWriterTest : public testing::Test {
protected:
    StreamWriterTest() {
        make_repository(disk_);
        repository_ = open_repository(disk_);
        begin_run();
    }

    /// Another run, with counts of its own.
    void begin_run() {
        writer_.reset();
        counts_ = std::make_unique<SealCounts>();
        writer_ = std::make_unique<SnapshotWriter>(*repository_, sample_.clock, "backup", kSource,
                                                   std::stop_token());
        reader_ = std::make_unique<ChunkReader>(repository_->storage(), repository_->keys());
        ++sequence_;
    }

    /// All segments of `plan`, as the engine does it.
    StreamContents write(const StreamPlan& plan, Session& session,
                         const StreamContents* parent = nullptr) {
        const Context context = sample_.context();
        BackupRun run{*repository_, *writer_, *reader_,  SealOptions{},
                      *counts_,     2,        sequence_, context};
        run.opaque_chunks_max = opaque_chunks_max_;
        std::optional<StreamWriter> stream;
        SealingStage stage(run, parent != nullptr, {});
        stream.emplace(run, stage, plan, parent, std::stop_token());
        for (std::size_t segment = 0; segment < plan.segments.size(); ++segment) {
            stream->write(session, segment, {});
        }
        stage.drain();
        writer_->flush();
        StreamContents contents = stream->finish();
        writer_->flush();  // As the commit does: lists are chunks too.
        return contents;
    }
    StreamContents write_pages(const Bytes& content, const std::vector<SegmentPlan>& segments,
                               const StreamContents* parent = nullptr) {
        ScriptedSession session(pages_of(content));
        return write(stream_plan(StreamKind::pages, segments), session, parent);
    }
    std::string problem(StreamKind kind, const SegmentPlan& segment, Read read,
                        const StreamContents* parent = nullptr) {
        ScriptedSession session(std::move(read));
        try {
            static_cast<void>(write(stream_plan(kind, {segment}), session, parent));
            return "";
        } catch (const Error& error) {
            return error.what();
        }
    }
    Bytes bytes_of(const StreamContents& stream) {
        Bytes all;
        SegmentLists lists(stream, *reader_);
        for (std::size_t list = 0; list < lists.count(); ++list) {
            for (const StoredSegment& segment : lists.list(list, {})) {
                for (const ChunkCopyPtr& chunk : segment.chunks) {
                    const Bytes plain = reader_->read(*chunk, {});
                    all.insert(all.end(), plain.begin(), plain.end());
                }
            }
        }
        return all;
    }
    [[nodiscard]] const Fingerprinter& fingerprinter() const {
        return repository_->keys().fingerprinter();
    }

    MemoryStorage disk_;
    SampleContext sample_;
    std::unique_ptr<Repository> repository_;
    std::size_t opaque_chunks_max_ = kListChunksMax;
    std::unique_ptr<SealCounts> counts_;
    std::unique_ptr<SnapshotWriter> writer_;
    std::unique_ptr<ChunkReader> reader_;
    std::uint64_t sequence_ = 0;
};

}  // namespace dbbackup
