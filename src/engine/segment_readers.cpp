#include "engine/segment_readers.hpp"

#include "base/error.hpp"

#include <utility>

namespace dbbackup {

SegmentReaders::SegmentReaders(Session& session, std::vector<StreamPlan>& plans,
                               MakeWriter make_writer, SealingStage& stage, std::stop_token stop)
    : session_(session),
      plans_(plans),
      make_writer_(std::move(make_writer)),
      stage_(stage),
      when_stopped_(std::move(stop), [this] { stop_readers_.request_stop(); }) {}

void SegmentReaders::run(unsigned readers) {
    has_several_ = readers > 1;
    {
        std::vector<std::jthread> others;
        try {
            for (unsigned reader = 1; reader < readers; ++reader) {
                others.emplace_back([this] { read(); });
            }
        } catch (...) {  // No more threads can be made.
            fail(std::current_exception());
        }
        read();
    }
    beside_.clear();  // Joins. All streams were begun, or nobody begins any more.
    if (failure_) {
        std::rethrow_exception(failure_);
    }
}

void SegmentReaders::read() {
    guard([this] {
        while (const std::optional<Turn> turn = take()) {
            end(*turn, turn->stream->write(session_, turn->segment, stop_readers_.get_token()));
        }
    });
}

void SegmentReaders::read_beside(StreamWriter& stream) {
    guard([&] {
        // The stream lets go of its segments when the last one was taken.
        for (std::size_t segment = 0, count = stream.segment_count(); segment < count; ++segment) {
            static_cast<void>(stream.write(session_, segment, stop_readers_.get_token()));
        }
    });
}

void SegmentReaders::guard(const std::function<void()>& work) {
    try {
        work();
    } catch (const ViewGivenUp&) {
        fail(std::current_exception());  // The stage goes on: what comes next may need it.
    } catch (...) {
        if (fail(std::current_exception())) {
            stage_.give_up();  // Else a reader might wait for room there.
        }
    }
}

std::optional<SegmentReaders::Turn> SegmentReaders::take() {
    const std::stop_token stop = stop_readers_.get_token();
    std::unique_lock lock(mutex_);
    for (;;) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (stream_ != nullptr && next_segment_ < stream_->segment_count()) {
            if (window_.has_room()) {
                window_.begin(next_segment_);
                return Turn{stream_, streams_begun_, next_segment_++};
            }
            // Another reader may take the segment meanwhile, or begin the next stream.
            ended_.wait(lock, stop, [this, seen = streams_begun_] {
                return window_.has_room() || streams_begun_ != seen;
            });
        } else if (streams_begun_ < plans_.size()) {
            begin_stream();
        } else {
            return std::nullopt;
        }
    }
}

void SegmentReaders::begin_stream() {
    const bool is_beside = has_several_ && beside_.size() < kBesideMax &&
                           plans_[streams_begun_].kind == StreamKind::opaque;
    stream_ = &make_writer_(std::move(plans_[streams_begun_]));
    ++streams_begun_;
    next_segment_ = 0;
    window_ = {};
    if (is_beside) {
        beside_.emplace_back([this, stream = stream_] { read_beside(*stream); });
        stream_ = nullptr;
    }
    ended_.notify_all();  // Nobody waits for the stream before it any more.
}

void SegmentReaders::end(const Turn& turn, std::size_t chunks) {
    {
        const std::lock_guard lock(mutex_);
        if (turn.stream_number != streams_begun_) {
            return;  // All segments of that stream were taken: nobody waits for it.
        }
        window_.end(turn.segment, chunks);
    }
    ended_.notify_all();
}

bool SegmentReaders::fail(std::exception_ptr failure) {
    {
        const std::lock_guard lock(mutex_);
        if (failure_) {
            return false;
        }
        failure_ = std::move(failure);
    }
    stop_readers_.request_stop();
    return true;
}

}  // namespace dbbackup
