#include "repository/uploader.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"

#include <fmt/format.h>

namespace dbbackup {

Uploader::Uploader(Storage& storage, unsigned threads,
                   std::function<void(const IndexedPack&)> stored, std::stop_token stop)
    : storage_(storage), stored_(std::move(stored)), stop_(std::move(stop)) {
    for (unsigned index = 0; index < threads; ++index) {
        threads_.emplace_back([this](std::stop_token ended) { work(ended); });
    }
}

Uploader::~Uploader() = default;  // The threads stop after the pack they are storing.

void Uploader::submit(Bytes content, std::vector<PackEntry> entries,
                      std::shared_ptr<PackIdentity> identity) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop_, [this] { return failure_ != nullptr || waiting_.empty(); });
    if (failure_ != nullptr) {
        std::rethrow_exception(failure_);
    }
    if (stop_.stop_requested()) {
        throw Cancelled();
    }
    waiting_.push_back({std::move(content), std::move(entries), std::move(identity)});
    changed_.notify_all();
}

bool Uploader::has_room() {
    const std::lock_guard lock(mutex_);
    return waiting_.empty();
}

void Uploader::wait() {
    std::unique_lock lock(mutex_);
    // Not woken by `stop_`: the storage call itself ends then, and only after it has ended may
    // the caller go on.
    changed_.wait(lock,
                  [this] { return failure_ != nullptr || (waiting_.empty() && in_flight_ == 0); });
    if (failure_ != nullptr) {
        std::rethrow_exception(failure_);
    }
}

void Uploader::work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    // The wait also ends well, with something waiting, after the destructor asked to stop.
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); }) &&
           !stop.stop_requested()) {
        Job job = std::move(waiting_.front());
        waiting_.pop_front();
        ++in_flight_;
        changed_.notify_all();
        lock.unlock();
        std::exception_ptr failure;
        try {
            store(std::move(job));
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        --in_flight_;
        if (failure != nullptr && failure_ == nullptr) {
            failure_ = failure;
        }
        changed_.notify_all();
    }
}

void Uploader::store(Job job) {
    const PackName name{sha256(job.content)};
    const ObjectName object = pack_object_name(name);
    // The salt makes every pack's name new; one that is taken was not written by us.
    if (storage_.put(object, job.content, stop_) == PutResult::exists) {
        throw RepositoryError(fmt::format("{} exists already", object.text()));
    }
    job.identity->name = name;
    job.identity->is_stored.store(true, std::memory_order_release);
    stored_({name, job.identity->salt, job.content.size(), std::move(job.entries)});
}

}  // namespace dbbackup
