#pragma once

/// @file
/// A value that can be reached only while its lock is held.

#include <mutex>
#include <utility>

namespace dbbackup {

/// Owns a `T` and its mutex. Never hold the lock across I/O.
template <class T>
class Guarded {
public:
    Guarded() = default;
    explicit Guarded(T value) : value_(std::move(value)) {}

    /// Calls `use(value)` while locked and returns what it returns.
    template <class Use>
    decltype(auto) with(Use&& use) {
        const std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(value_);
    }

    template <class Use>
    decltype(auto) with(Use&& use) const {
        const std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(std::as_const(value_));
    }

private:
    mutable std::mutex mutex_;
    T value_{};
};

}  // namespace dbbackup
