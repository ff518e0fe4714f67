#pragma once

/// @file
/// Runs another program: for secrets given as commands, for vendor dump tools, for hooks.

#include "base/bytes.hpp"

#include <chrono>
#include <stop_token>
#include <string>
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

}  // namespace dbbackup
