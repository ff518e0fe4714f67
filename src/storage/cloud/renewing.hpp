#pragma once

/// @file
/// Credentials that end, and are asked for again before they do.

#include "base/clock.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace dbbackup {

/// Credentials of the kind `T`, and until when they count; those of a person have no end.
template <class T>
struct Expiring {
    std::shared_ptr<const T> value;
    std::optional<std::chrono::sys_seconds> expires_at;
};

/// Holds what `find` found until shortly before it ends, in the middle of a backup too.
/// Thread-safe: one thread asks, the others wait for the same answer.
template <class T>
class Renewing {
public:
    using Find = std::function<Expiring<T>(std::stop_token stop)>;

    /// @param clock Borrowed; tells when they end.
    Renewing(const Clock& clock, Find find) : clock_(clock), find_(std::move(find)) {}

    /// Those that were found before, unless they end within five minutes: then new ones.
    /// @throws what `find` throws.
    [[nodiscard]] std::shared_ptr<const T> get(const std::stop_token& stop) {
        // So that no upload begins with what ends meanwhile.
        constexpr std::chrono::minutes kRenewBefore{5};
        const std::lock_guard lock(mutex_);
        if (!known_.value ||
            (known_.expires_at && *known_.expires_at - kRenewBefore <= clock_.now())) {
            known_ = find_(stop);
        }
        return known_.value;
    }

    /// The store says that these have ended: the next call asks again.
    void forget(const std::shared_ptr<const T>& refused) {
        const std::lock_guard lock(mutex_);
        if (known_.value == refused) {
            known_ = {};
        }
    }

private:
    const Clock& clock_;
    Find find_;
    std::mutex mutex_;
    Expiring<T> known_;
};

}  // namespace dbbackup
