#include "cli/progress_line.hpp"

#include "base/units.hpp"
#include "captured_pipe.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace dbbackup {
namespace {

using Seconds = std::chrono::duration<double>;

TEST(ProgressRate, TellsRateAndTimeLeft) {
    Progress progress;
    progress.bytes_total = 1000_MiB;
    ProgressRate rate;
    ProgressSample sample;
    for (int second = 1; second <= 30; ++second) {
        progress.bytes_done = static_cast<std::uint64_t>(second) * 10_MiB;
        sample = rate.sample(progress, Seconds(second));
    }
    EXPECT_NEAR(sample.bytes_per_second, 10.0 * 1024 * 1024, 1000);
    ASSERT_TRUE(sample.left);
    EXPECT_NEAR(static_cast<double>(sample.left->count()), 70, 1);
}

TEST(ProgressRate, FollowsAChangeWithinSeconds) {
    Progress progress;
    progress.bytes_total = 1000_GiB;
    ProgressRate rate;
    std::uint64_t done = 0;
    const auto run = [&](int from, int to, std::uint64_t step) {
        ProgressSample sample;
        for (int second = from; second < to; ++second) {
            progress.bytes_done = done += step;
            sample = rate.sample(progress, Seconds(second));
        }
        return sample.bytes_per_second;
    };
    run(1, 20, 100_MiB);
    EXPECT_NEAR(run(20, 45, 10_MiB), 10.0 * 1024 * 1024, 1024 * 1024);
}

TEST(ProgressRate, SaysNothingAboutTheEndTooEarlyOrWhenNothingMoves) {
    Progress progress;
    progress.bytes_total = 1_GiB;
    ProgressRate rate;
    EXPECT_FALSE(rate.sample(progress, Seconds(10)).left) << "nothing was done yet";
    progress.bytes_done = 1_MiB;
    ProgressRate fresh;
    EXPECT_FALSE(fresh.sample(progress, Seconds(0.5)).left) << "too early";
}

TEST(ProgressRate, SurvivesCountersThatStartAnew) {
    Progress progress;
    ProgressRate rate;
    progress.bytes_done = 1_GiB;
    static_cast<void>(rate.sample(progress, Seconds(1)));
    progress.bytes_done = 1_MiB;
    EXPECT_LT(rate.sample(progress, Seconds(2)).bytes_per_second, 2.0 * 1024 * 1024);
}

TEST(ProgressText, LeavesOutWhatMattersLeast) {
    const ProgressSample sample{Phase::reading,         1_GiB, 512_MiB, 20_MiB, 100.0 * 1024 * 1024,
                                std::chrono::seconds(5)};
    EXPECT_EQ(progress_text(sample, "backing up a", 200),
              "backing up a: reading  50 %  5.0 s left  100 MiB/s  512 MiB of 1.0 GiB  20.0 MiB "
              "stored");
    EXPECT_EQ(progress_text(sample, "backing up a", 45), "backing up a: reading  50 %  5.0 s left");
    EXPECT_EQ(progress_text(sample, "backing up a", 15), "reading  50 %");
    for (std::size_t width = 1; width < 100; ++width) {
        EXPECT_LE(progress_text(sample, "backing up a", width).size(), width);
    }
}

TEST(ProgressText, DoesWithoutATotal) {
    ProgressSample sample;
    EXPECT_EQ(progress_text(sample, "counting", 80), "counting: starting");
    sample.bytes_done = 5_MiB;
    EXPECT_EQ(progress_text(sample, "counting", 80), "counting: starting  5.0 MiB");
}

/// Waits, without a fixed sleep, until the line has been drawn.
std::string wait_for(CapturedPipe& pipe, const std::string& text) {
    std::string seen;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (seen.find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline) {
        seen += pipe.taken();
        std::this_thread::yield();
    }
    return seen;
}

TEST(ProgressLine, LeavesNoTraceOnATerminal) {
    CapturedPipe pipe;
    StderrLines lines(true, pipe.descriptor());
    Log log;
    Progress progress;
    progress.bytes_done = 5_MiB;
    {
        const ProgressLine line(progress,
                                {.doing = "copying", .redraw_every = std::chrono::milliseconds(1)},
                                lines, log);
        EXPECT_NE(wait_for(pipe, "5.0 MiB").find("\r\x1b[Kcopying"), std::string::npos);
    }
    const std::string last = pipe.taken();
    EXPECT_TRUE(last.ends_with("\r\x1b[K")) << last;
}

TEST(ProgressLine, WritesWholeLinesElsewhere) {
    CapturedPipe pipe;
    StderrLines lines(false, pipe.descriptor());
    Log log;
    const Progress progress;
    const ProgressLine line(
        progress, {.doing = "copying", .log_every = std::chrono::milliseconds(1)}, lines, log);
    const std::string seen = wait_for(pipe, "\n");
    EXPECT_EQ(seen.substr(0, seen.find('\n')), "db-backup: copying: starting");
    EXPECT_EQ(seen.find('\x1b'), std::string::npos);
}

TEST(ProgressLine, IsSilentWhenNotWanted) {
    CapturedPipe pipe;
    StderrLines lines(true, pipe.descriptor());
    Log log;
    const Progress progress;
    {
        const ProgressLine line(progress, {.doing = "copying", .is_shown = false}, lines, log);
    }
    EXPECT_EQ(pipe.taken(), "");
}

}  // namespace
}  // namespace dbbackup
