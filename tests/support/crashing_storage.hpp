#pragma once

/// @file
/// A store that dies after a number of operations, for good: what a killed process or a lost
/// network leaves behind. Run the same work for 0, 1, 2 ... operations until it gets through.

#include "support/faulty_storage.hpp"

#include <atomic>
#include <cstdint>

namespace dbbackup {

/// Passes calls on to a store that outlives it until it dies. Safe to use from several threads.
class CrashingStorage final : public FaultyStorage {
public:
    enum class Counts : bool { all, writes };
    /// Whether the first failing operation took effect all the same (only its answer got lost).
    enum class FirstFailure : bool { not_done, done };

    struct Options {
        Counts counts = Counts::all;  ///< `writes`: reads succeed until the store is dead.
        FirstFailure first_failure = FirstFailure::not_done;
    };

    /// The first `survived` counted operations succeed; each later call throws `StorageError`.
    CrashingStorage(Storage& inner, std::uint32_t survived);
    CrashingStorage(Storage& inner, std::uint32_t survived, Options options);

    [[nodiscard]] bool is_dead() const { return is_dead_.load(); }

private:
    Faults dying_faults();
    void before(const StorageCall& call);
    void after(const StorageCall& call);

    std::uint32_t survived_;
    Options options_;
    std::atomic<std::uint64_t> counted_{0};
    std::atomic<bool> is_dead_{false};
    std::atomic<std::uint64_t> unanswered_ordinal_{0};  ///< The call that takes effect unheard.
};

}  // namespace dbbackup
