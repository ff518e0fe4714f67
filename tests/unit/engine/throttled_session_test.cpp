#include "engine/throttled_session.hpp"

#include "base/error.hpp"
#include "base/units.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A clock that moves only by being waited for.
struct WaitedTime {
    steady_clock::time_point now{};
    milliseconds waited{0};

    ThrottleEnvironment environment() {
        return {[this] { return now; },
                [this](milliseconds duration, const std::stop_token&) {
                    waited += duration;
                    now += duration;
                }};
    }
};

/// Gives a mebibyte of each kind.
class ThreeMebibytes final : public Session {
public:
    std::vector<StreamPlan> plan() override {
        std::vector<StreamPlan> plans(1);
        plans.front().name = "all";
        return plans;
    }
    [[nodiscard]] Capture capture() const override { return Capture::tracked; }
    [[nodiscard]] std::string reason() const override { return "why"; }
    [[nodiscard]] unsigned readers_max() const override { return 7; }
    void read(const StreamPlan&, const SegmentPlan&, SegmentSink& sink, std::stop_token) override {
        const Bytes bytes(1_MiB);
        const std::array<std::uint32_t, 1> ends = {1U << 20U};
        sink.pages(5, bytes);
        sink.rows(bytes, ends);
        sink.opaque(bytes);
    }
    SessionEnd finish(std::stop_token) override {
        SessionEnd end;
        end.state = "state";
        return end;
    }
    [[nodiscard]] std::size_t view_count() const override { return 2; }
    void next_view() override { ++*views_; }

    explicit ThreeMebibytes(int& views) : views_(&views) {}

private:
    int* views_;
};

class Counting final : public SegmentSink {
public:
    void pages(std::uint64_t first, BytesView bytes) override {
        EXPECT_EQ(first, 5U);
        total += bytes.size();
    }
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override {
        EXPECT_EQ(row_ends.back(), bytes.size());
        total += bytes.size();
    }
    void opaque(BytesView bytes) override { total += bytes.size(); }

    std::uint64_t total = 0;
};

TEST(ThrottledSession, WaitsForAllThatTheSourceGave) {
    WaitedTime time;
    int views = 0;
    const auto session =
        throttled(std::make_unique<ThreeMebibytes>(views), 1_MiB, time.environment());
    Counting sink;
    for (int round = 0; round < 4; ++round) {
        session->read({}, {}, sink, {});
    }
    EXPECT_EQ(sink.total, 12_MiB);
    EXPECT_EQ(time.waited, seconds(11)) << "but for the first second";
}

TEST(ThrottledSession, IsInAllElseTheSessionItself) {
    WaitedTime time;
    int views = 0;
    const auto session =
        throttled(std::make_unique<ThreeMebibytes>(views), 1_MiB, time.environment());
    EXPECT_EQ(session->plan().front().name, "all");
    EXPECT_EQ(session->capture(), Capture::tracked);
    EXPECT_EQ(session->reason(), "why");
    EXPECT_EQ(session->readers_max(), 7U);
    EXPECT_EQ(session->view_count(), 2U);
    session->next_view();
    EXPECT_EQ(views, 1);
    EXPECT_EQ(session->finish({}).state, "state");
}

TEST(ThrottledSession, IsNoneWithoutALimit) {
    int views = 0;
    auto inner = std::make_unique<ThreeMebibytes>(views);
    const Session* const same = inner.get();
    EXPECT_EQ(throttled(std::move(inner), std::nullopt).get(), same);
}

TEST(ThrottledSession, StopsWhileItWaits) {
    int views = 0;
    const auto session = throttled(std::make_unique<ThreeMebibytes>(views), 64_KiB);
    std::stop_source stop;
    stop.request_stop();
    Counting sink;
    EXPECT_THROW(session->read({}, {}, sink, stop.get_token()), Cancelled);
}

}  // namespace
}  // namespace dbbackup
