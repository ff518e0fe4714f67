#include "connector/postgres/part_pipe.hpp"

#include "base/error.hpp"

#include <utility>

namespace dbbackup::postgres {

void PartPipe::give(BytesView part) {
    if (part.empty()) {
        return;  // It would be the end.
    }
    std::unique_lock lock(mutex_);
    part_ = part;
    has_part_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !has_part_ || is_abandoned_; });
    if (is_abandoned_) {
        throw Cancelled();
    }
}

void PartPipe::end(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    has_ended_ = true;
    changed_.notify_all();
}

BytesView PartPipe::take() {
    std::unique_lock lock(mutex_);
    if (is_taken_) {
        is_taken_ = false;
        has_part_ = false;
        changed_.notify_all();
    }
    changed_.wait(lock, [this] { return has_part_ || has_ended_; });
    if (has_part_) {
        is_taken_ = true;
        return part_;
    }
    if (failure_) {
        std::rethrow_exception(failure_);
    }
    return {};
}

void PartPipe::abandon() {
    const std::lock_guard lock(mutex_);
    is_abandoned_ = true;
    changed_.notify_all();
}

}  // namespace dbbackup::postgres
