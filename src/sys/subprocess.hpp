#pragma once

/// @file
/// Runs another program: for secrets given as commands, for vendor dump tools, for hooks.

#include "base/bytes.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

struct ProcessResult {
    int exit_status = 0;  ///< 128 + signal number when it died by a signal.
    Bytes output;         ///< What it wrote to stdout.
    std::string errors;   ///< The last 4 KiB of what it wrote to stderr.
};

/// Runs `command` by /bin/sh and waits for its end (not for background processes it leaves). It
/// has no terminal input, and none of our variables that may hold a secret (`child_environment`).
/// @throws Error when it cannot be started, ran longer than `timeout` or wrote more than
/// `output_bytes_max`; Cancelled when `stop` fires. The child and its group are killed then.
[[nodiscard]] ProcessResult run_shell(const std::string& command, std::chrono::seconds timeout,
                                      std::size_t output_bytes_max, std::stop_token stop);

/// How a command that is run for what it does is run.
struct ShellSetting {
    /// What it gets beside our environment, and in the place of variables of the same names.
    std::vector<std::pair<std::string, std::string>> variables;
    std::chrono::seconds timeout{0};
    /// Told each line of its stdout and stderr as it comes, without the break; of a long line only
    /// the beginning. On the thread that called.
    std::function<void(std::string_view line)> on_line;
};

/// As above, but for a command whose output is for people: it may be of any size.
/// @return its exit status. @throws as above.
[[nodiscard]] int run_shell_for_effect(const std::string& command, const ShellSetting& setting,
                                       std::stop_token stop);

}  // namespace dbbackup
