#pragma once

/// @file
/// One child process: its pipes, its end, and its death when the caller fails. What others run
/// programs by is in subprocess.hpp.

#include "base/bytes.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Takes what a child wrote to one of its streams.
using TakePart = std::function<void(BytesView part)>;

/// Longer limits than this mean "no limit" and would overflow the clock.
inline constexpr std::chrono::seconds kChildTimeoutMax = std::chrono::hours(24 * 365);

/// What to run, and who talks with it.
struct ChildTask {
    std::vector<std::string> arguments;  ///< The first is the program: a path, or found by PATH.
    std::vector<std::string> variables = {};  ///< "NAME=value", as in `child_environment`.
    std::vector<int> inherited = {};          ///< Descriptors that it has under the same numbers.
    std::chrono::seconds timeout = kChildTimeoutMax;
    /// When `stop` fires it is asked to end (SIGTERM), and has so long until it is killed; 0: it is
    /// killed at once.
    std::chrono::seconds grace{0};
    /// Gives what it reads, part by part; an empty part is the end. Nothing: its stdin is empty.
    const std::function<BytesView()>* give_input = nullptr;
    TakePart take_output = {};
    TakePart take_errors = {};
};

/// Runs it to its end and returns the exit status as a shell tells it, also of one that ended
/// because it was asked to. @throws Error when it cannot be started or takes too long; Cancelled
/// when `stop` fires, or its grace is over, and what the functions of `task` throw. It and its
/// group are killed then.
[[nodiscard]] int run_child(const ChildTask& task, const std::stop_token& stop);

}  // namespace dbbackup
