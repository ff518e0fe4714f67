#pragma once

/// @file
/// SIGINT, SIGTERM and SIGHUP as a stop token.

#include <functional>
#include <memory>
#include <stop_token>

namespace dbbackup {

/// Blocks the signals in every thread made after it and turns the first one into a stop request;
/// a second one ends the process at once. Make one, in `main`, before any thread.
class SignalStop {
public:
    SignalStop();
    ~SignalStop();
    SignalStop(const SignalStop&) = delete;
    SignalStop& operator=(const SignalStop&) = delete;

    [[nodiscard]] std::stop_token token() const;

    /// From here on SIGHUP calls this instead, on a thread of its own; nothing restores the rest.
    void on_hangup(std::function<void()> call);

private:
    struct Watcher;
    std::unique_ptr<Watcher> watcher_;
};

/// From here on SIGINT, SIGTERM and SIGHUP do nothing, pending ones included: for a program whose
/// exit code is decided.
void ignore_stop_signals() noexcept;

}  // namespace dbbackup
