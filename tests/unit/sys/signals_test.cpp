#include "sys/signals.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <semaphore>
#include <thread>

namespace dbbackup {
namespace {

/// Blocks until the token fires; the test's own time limit ends a wait in vain.
void wait_for(const std::stop_token& token) {
    std::binary_semaphore fired(0);
    const std::stop_callback on_stop(token, [&] { fired.release(); });
    fired.acquire();
}

bool is_blocked(int number) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, number) == 1;
}

TEST(SignalStop, TurnsEachStopSignalIntoAStopRequest) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        SCOPED_TRACE(number);
        const SignalStop signals;
        EXPECT_FALSE(signals.token().stop_requested());
        ASSERT_EQ(::kill(::getpid(), number), 0);
        wait_for(signals.token());
        EXPECT_TRUE(signals.token().stop_requested());
    }
}

TEST(SignalStop, PutsTheMaskBackAndEndsWithoutASignal) {
    {
        const SignalStop signals;
        EXPECT_TRUE(is_blocked(SIGINT));
        bool blocked_in_thread = false;
        std::thread([&] { blocked_in_thread = is_blocked(SIGTERM); }).join();
        EXPECT_TRUE(blocked_in_thread);
    }
    EXPECT_FALSE(is_blocked(SIGINT));
}

TEST(SignalStop, LeavesSignalsAloneThatNohupIgnores) {
    void (*const before)(int) = std::signal(SIGHUP, SIG_IGN);
    {
        const SignalStop signals;
        EXPECT_FALSE(is_blocked(SIGHUP));
        ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
        ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
        wait_for(signals.token());
    }
    std::signal(SIGHUP, before);
}

TEST(SignalStopDeathTest, TheSecondSignalEndsTheProcessAtOnce) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            const SignalStop signals;
            ::kill(::getpid(), SIGINT);
            wait_for(signals.token());
            ::kill(::getpid(), SIGINT);
            for (;;) {
                ::pause();
            }
        },
        testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace dbbackup
