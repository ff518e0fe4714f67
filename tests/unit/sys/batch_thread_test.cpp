#include "sys/batch_thread.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace dbbackup {
namespace {

void set_policy(int policy) {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, policy, &none), 0);
}

// In threads of their own: what one leaves behind is no other test's.

TEST(BatchThread, IsOfABatchWhileItLives) {
    std::jthread([] {
        set_policy(SCHED_OTHER);
        {
            const BatchThread batch;
            EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
            std::jthread([] { EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH); });
        }
        EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
    });
}

TEST(BatchThread, LeavesAPolicyOfTheUsersAlone) {
    std::jthread([] {
        for (const int given : {SCHED_BATCH, SCHED_IDLE}) {
            set_policy(given);
            {
                const BatchThread batch;
                EXPECT_EQ(::sched_getscheduler(0), given);
            }
            EXPECT_EQ(::sched_getscheduler(0), given);
        }
    });
}

}  // namespace
}  // namespace dbbackup
