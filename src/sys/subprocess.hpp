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

/// A program that is run without a shell, for what it reads and writes.
struct ProgramCall {
    std::vector<std::string> arguments;  ///< The first is the program: a path, or found by PATH.
    std::vector<std::string> variables;  ///< "NAME=value", as in `child_environment`.
    /// Descriptors of ours that it has too, under the same numbers.
    std::vector<int> inherited;
    /// Gives what it reads from its stdin, part by part; an empty part is the end. The bytes stay
    /// valid until the next call. Without it stdin is empty.
    std::function<BytesView()> give_input;
    /// Takes what it writes to its stdout. Blocking in here stops the program when its pipe is
    /// full.
    std::function<void(BytesView part)> take_output;
};

struct ProgramEnd {
    int exit_status = 0;  ///< 128 + signal number when it died by a signal.
    std::string errors;   ///< The last 4 KiB of what it wrote to stderr.
};

/// Runs `call` to its end. What it does not read of its input is not asked for.
/// @throws Error when it cannot be started; Cancelled when `stop` fires, and whatever the functions
/// of `call` throw. The program and its group are killed then.
[[nodiscard]] ProgramEnd run_program(const ProgramCall& call, std::stop_token stop);

}  // namespace dbbackup
