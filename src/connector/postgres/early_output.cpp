#include "connector/postgres/early_output.hpp"

#include "base/error.hpp"

#include <utility>

namespace dbbackup::postgres {

EarlyOutput::EarlyOutput(Make make)
    : make_(std::move(make)), maker_([this](const std::stop_token& stop) {
          try {
              make_([&](BytesView part) { give(part, stop); }, stop);
              end(nullptr);
          } catch (...) {
              end(std::current_exception());
          }
      }) {}

void EarlyOutput::give(BytesView part, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    // One part may go beyond: it is in memory already.
    if (!changed_.wait(lock, stop, [this] { return made_.size() < kBytesMax; })) {
        throw Cancelled();
    }
    made_.insert(made_.end(), part.begin(), part.end());
    changed_.notify_all();
}

void EarlyOutput::end(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    has_ended_ = true;
    changed_.notify_all();
}

void EarlyOutput::read(const Take& take, const std::stop_token& stop) {
    for (;;) {
        Bytes part;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return !made_.empty() || has_ended_; })) {
                throw Cancelled();
            }
            if (made_.empty() && failure_) {
                std::rethrow_exception(failure_);
            }
            if (made_.empty()) {
                return;
            }
            part.swap(made_);
            changed_.notify_all();
        }
        take(part);
    }
}

}  // namespace dbbackup::postgres
