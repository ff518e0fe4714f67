#include "base/wait.hpp"

#include <condition_variable>
#include <mutex>

namespace dbbackup {

void wait_unless_stopped(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace dbbackup
