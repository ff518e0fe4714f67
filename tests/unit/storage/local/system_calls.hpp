#pragma once

/// @file
/// The system calls that make an object durable, watched and made to fail. The test program
/// defines them itself; each passes on to the C library unless a test says
/// otherwise.

#include <string>
#include <vector>

namespace dbbackup {

enum class SystemCall { fsync, pwrite, pread, renameat2, link };

/// While it lives, the `nth` call (from 1) of `call` in this process fails with `error_number`.
/// One of each call at a time.
class FailingCall {
public:
    FailingCall(SystemCall call, int nth, int error_number);
    FailingCall(const FailingCall&) = delete;
    FailingCall& operator=(const FailingCall&) = delete;
    ~FailingCall();

    /// Whether the call has come and failed.
    [[nodiscard]] bool has_failed() const;

private:
    SystemCall call_;
};

/// Makes this process _exit(9) instead of its `nth` call of `call`.
void die_at(SystemCall call, int nth);

/// While it lives, notes "fsync /path", "pwrite /path", "renameat2 /to" of calls that succeeded.
class WatchedCalls {
public:
    WatchedCalls();
    WatchedCalls(const WatchedCalls&) = delete;
    WatchedCalls& operator=(const WatchedCalls&) = delete;
    ~WatchedCalls();

    [[nodiscard]] std::vector<std::string> seen() const;
};

}  // namespace dbbackup
