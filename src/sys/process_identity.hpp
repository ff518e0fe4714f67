#pragma once

/// @file
/// Which process this is, so that another one can tell that it is no more, and what others are.

#include <cstdint>
#include <string>

namespace dbbackup {

/// One process of one start of one machine. A process number is used again; together with the time
/// at which its process began it is not.
struct ProcessIdentity {
    /// This start of the machine, and the space that its process numbers belong to (containers have
    /// their own); empty where it cannot be known.
    std::string machine;
    std::uint64_t process = 0;
    std::uint64_t started = 0;  ///< Clock ticks since the machine started.
    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

[[nodiscard]] ProcessIdentity this_process();

/// Whether that process ran here and has ended. False when nothing is known of it.
[[nodiscard]] bool has_ended(const ProcessIdentity& process);

/// What the process of this number shows as its command, a NUL behind each word (proc(5),
/// /proc/PID/cmdline); empty where there is none on this machine, or it is not for us to see.
[[nodiscard]] std::string shown_command(std::uint64_t process);

}  // namespace dbbackup
