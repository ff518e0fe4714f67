#pragma once

/// @file
/// Reads the segments of one view, by as many threads as the connector takes.
///
/// Data path: connector -> [readers] -> stream writers -> sealing stage.

#include "connector/connector.hpp"
#include "engine/read_window.hpp"
#include "engine/sealing_stage.hpp"
#include "engine/stream_writer.hpp"

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace dbbackup {

/// For one view. Segments are taken in the order of the plans, across streams. Where
/// several read, the first streams of opaque bytes have threads of their own from their turn on:
/// they are what other programs write, and reading them is mostly waiting.
class SegmentReaders {
public:
    /// Makes the writer of a stream when the first of its segments is taken; called by one thread
    /// at a time, in the order of the plans. The writer outlives the readers.
    using MakeWriter = std::function<StreamWriter&(StreamPlan plan)>;

    static constexpr std::size_t kBesideMax = 2;

    /// Everything is borrowed.
    SegmentReaders(Session& session, std::vector<StreamPlan>& plans, MakeWriter make_writer,
                   SealingStage& stage, std::stop_token stop);

    /// Returns once every segment was read; some may still be in the stage. The first error stops
    /// all readers, whose threads are joined before it is thrown. After any other than
    /// `ViewGivenUp` the stage is given up, too. Once.
    /// @param readers At most so many at once, of which one is this thread. If there may be
    /// several, up to `kBesideMax` opaque streams are read beside them.
    /// @throws What a reader or the stage threw first; Cancelled.
    void run(unsigned readers);

private:
    struct Turn {
        StreamWriter* stream;
        std::size_t stream_number;
        std::size_t segment;
    };

    /// What one reader does.
    void read();
    /// What the thread of an opaque stream does.
    void read_beside(StreamWriter& stream);
    /// Calls `work`; what it throws stops all.
    void guard(const std::function<void()>& work);
    /// Goes on to the next stream.
    void begin_stream();
    /// The next segment; nothing when all were taken. Waits while the stream is too far ahead.
    /// @throws Cancelled.
    [[nodiscard]] std::optional<Turn> take();
    void end(const Turn& turn, std::size_t chunks);
    /// @return Whether it is the first one.
    bool fail(std::exception_ptr failure);

    Session& session_;
    std::vector<StreamPlan>& plans_;
    MakeWriter make_writer_;
    SealingStage& stage_;
    std::stop_source stop_readers_;
    std::stop_callback<std::function<void()>> when_stopped_;

    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable_any ended_;
    std::size_t streams_begun_ = 0;
    StreamWriter* stream_ = nullptr;  ///< The last one that was begun.
    std::size_t next_segment_ = 0;    ///< Of `stream_`.
    ReadWindow window_;               ///< Of `stream_`.
    bool has_several_ = false;        ///< Readers.
    std::vector<std::jthread> beside_;
    std::exception_ptr failure_;
};

}  // namespace dbbackup
