#pragma once

/// @file
/// A stage on several threads that keeps order: items go in one after the other, are worked on at
/// the same time, and their results come out in the order in which the items went in. What is
/// inside is bounded in bytes, so memory depends on the bound and never on the data.

#include "base/error.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {

/// `push` and `finish` belong to the producer (several producers may push; order is then that of
/// their calls). The first exception of `work` or `deliver` stops the stage; `push` and `finish`
/// rethrow it, while an earlier item may still be in delivery. The destructor drops what waits and
/// joins.
template <class In, class Out>
class OrderedWorkers {
public:
    /// Called on a worker thread; `worker` is its number, for what each thread keeps to itself.
    using Work = std::function<Out(In item, unsigned worker)>;
    /// Called on some worker thread, never by two at once, in the order of the items.
    using Deliver = std::function<void(Out result)>;

    /// @param bytes_max Bytes of items that are inside before `push` waits. One item may always
    /// enter, however large.
    OrderedWorkers(unsigned workers, std::uint64_t bytes_max, Work work, Deliver deliver,
                   std::stop_token stop)
        : bytes_max_(bytes_max),
          work_(std::move(work)),
          deliver_(std::move(deliver)),
          stop_(std::move(stop)) {
        for (unsigned worker = 0; worker < workers; ++worker) {
            threads_.emplace_back(
                [this, worker](std::stop_token ended) { run(worker, std::move(ended)); });
        }
    }

    OrderedWorkers(const OrderedWorkers&) = delete;
    OrderedWorkers& operator=(const OrderedWorkers&) = delete;
    ~OrderedWorkers() {
        std::deque<Waiting> dropped;
        const std::lock_guard lock(mutex_);
        is_ended_ = true;
        dropped.swap(waiting_);
    }  // The threads are the last member: each is asked to stop and joined, what waited is gone.

    /// @param bytes What the item weighs, for the bound.
    /// @throws Cancelled when the stop token fires; what `work` or `deliver` threw.
    void push(In item, std::uint64_t bytes) {
        std::unique_lock lock(mutex_);
        delivered_.wait(lock, stop_, [&] {
            return failure_ != nullptr || is_ended_ || bytes_inside_ == 0 ||
                   bytes_inside_ + bytes <= bytes_max_;
        });
        throw_if_ended();
        bytes_inside_ += bytes;
        waiting_.push_back({next_ticket_++, std::move(item), bytes});
        pushed_.notify_one();
    }

    /// Nothing more is worked on or delivered; `push` and `finish` throw Cancelled: before a stage
    /// is destroyed that another stage pushes into.
    void give_up() {
        const std::lock_guard lock(mutex_);
        is_ended_ = true;
        delivered_.notify_all();
    }

    /// Returns once every pushed item was delivered. @throws as push.
    void finish() {
        std::unique_lock lock(mutex_);
        delivered_.wait(lock, stop_, [this] {
            return failure_ != nullptr || is_ended_ || next_delivery_ == next_ticket_;
        });
        throw_if_ended();
    }

private:
    struct Waiting {
        std::uint64_t ticket;
        In item;
        std::uint64_t bytes;
    };
    struct Done {
        Out result;
        std::uint64_t bytes;
    };

    void throw_if_ended() {
        if (failure_ != nullptr) {
            std::rethrow_exception(failure_);
        }
        if (is_ending()) {
            throw Cancelled();
        }
    }

    /// Nothing more is worked on or delivered then.
    [[nodiscard]] bool is_ending() const { return is_ended_ || stop_.stop_requested(); }

    void run(unsigned worker, std::stop_token ended) {
        std::unique_lock lock(mutex_);
        while (pushed_.wait(lock, ended,
                            [this] { return failure_ != nullptr || !waiting_.empty(); }) &&
               failure_ == nullptr && !is_ending()) {
            Waiting next = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            try {
                Done done{work_(std::move(next.item), worker), next.bytes};
                lock.lock();
                done_.emplace(next.ticket, std::move(done));
                deliver_what_is_due(lock);
            } catch (...) {
                if (!lock.owns_lock()) {
                    lock.lock();
                }
                if (failure_ == nullptr) {
                    failure_ = std::current_exception();
                }
                pushed_.notify_all();
                delivered_.notify_all();
            }
        }
    }

    /// Whoever finishes the next result in order delivers it, and all that had to wait for it.
    void deliver_what_is_due(std::unique_lock<std::mutex>& lock) {
        while (!is_delivering_ && failure_ == nullptr && !is_ending()) {
            const auto due = done_.find(next_delivery_);
            if (due == done_.end()) {
                return;
            }
            Done done = std::move(due->second);
            done_.erase(due);
            is_delivering_ = true;
            lock.unlock();
            try {
                deliver_(std::move(done.result));
            } catch (...) {
                lock.lock();
                is_delivering_ = false;
                throw;
            }
            lock.lock();
            is_delivering_ = false;
            ++next_delivery_;
            bytes_inside_ -= done.bytes;
            delivered_.notify_all();
        }
    }

    std::uint64_t bytes_max_;
    Work work_;
    Deliver deliver_;
    std::stop_token stop_;
    std::mutex mutex_;
    /// Two, because waking a thread that has nothing to do takes a core from one that has.
    std::condition_variable_any pushed_;     ///< Wakes workers.
    std::condition_variable_any delivered_;  ///< Wakes producers.
    std::deque<Waiting> waiting_;
    std::map<std::uint64_t, Done> done_;
    std::uint64_t next_ticket_ = 0;
    std::uint64_t next_delivery_ = 0;
    std::uint64_t bytes_inside_ = 0;
    bool is_delivering_ = false;
    bool is_ended_ = false;
    std::exception_ptr failure_;
    std::vector<std::jthread> threads_;  ///< Last: joined before anything it uses goes.
};

}  // namespace dbbackup
