#pragma once

/// @file
/// A process that outlives us and our terminal.

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// What became of a process that was to go on without us.
struct DetachedStart {
    int process = 0;
    /// Nothing when it runs and has said that it is ready; else it has ended, as a shell tells it.
    std::optional<int> exit_code;
    std::string output;  ///< What it had written by then.
    std::string errors;
};

/// Starts a program in a session of its own and waits until it says that it is ready
/// (`tell_service_manager`), or ends. @param words The first is the program's path.
/// @param variables "NAME=value", as in `child_environment`.
/// @throws Error when it cannot be started; Cancelled, and it has ended.
[[nodiscard]] DetachedStart start_detached(std::vector<std::string> words,
                                           std::vector<std::string> variables,
                                           const std::stop_token& stop);

/// For that process, once it is ready: from here on what it writes to its standard streams goes
/// nowhere.
void leave_standard_streams() noexcept;

}  // namespace dbbackup
