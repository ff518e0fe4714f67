#pragma once

/// @file
/// How far a command has come: counters that the engine moves and the command line shows.

#include <atomic>
#include <cstdint>

namespace dbbackup {

enum class Phase : std::uint8_t { starting, reading, writing, verifying, finishing };

/// Written by any thread of the pipeline, read by the one that draws. All lock-free.
struct Progress {
    std::atomic<Phase> phase{Phase::starting};
    std::atomic<std::uint64_t> bytes_total{0};   ///< 0 while unknown.
    std::atomic<std::uint64_t> bytes_done{0};    ///< Plain bytes read, restored or verified.
    std::atomic<std::uint64_t> bytes_stored{0};  ///< Written to storage so far.
};

}  // namespace dbbackup
