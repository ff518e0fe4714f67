#pragma once

/// @file
/// ★ What a new way to tell somebody implements.

#include "notify/notice.hpp"

#include <memory>
#include <stop_token>

namespace dbbackup {

/// Tells one receiver. One thread at a time.
class Notifier {
public:
    Notifier() = default;
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;
    virtual ~Notifier() = default;

    /// Returns once the receiver has taken it. Takes a minute at most.
    /// @throws Error: with Retry::may_help it is told again later, and not before `retry_after`.
    /// Its message never shows the URL or another secret. Cancelled.
    virtual void send(const Notice& notice, std::stop_token stop) = 0;
};

}  // namespace dbbackup
