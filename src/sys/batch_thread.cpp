#include "sys/batch_thread.hpp"

#include <sched.h>

namespace dbbackup {
namespace {

/// Of the calling thread. @return whether it is so now.
bool set_policy(int policy) noexcept {
    const sched_param none{};
    return ::sched_setscheduler(0, policy, &none) == 0;
}

}  // namespace

BatchThread::BatchThread() noexcept
    : is_changed_(::sched_getscheduler(0) == SCHED_OTHER && set_policy(SCHED_BATCH)) {}

BatchThread::~BatchThread() {
    if (is_changed_) {
        set_policy(SCHED_OTHER);
    }
}

}  // namespace dbbackup
