#pragma once

/// @file
/// Part of `prune` and `pin`: the runs that were open at a time, and waiting for them.

#include "engine/prune.hpp"
#include "repository/runs.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Waits as `how` does, or really where that is empty; returns early when `stop` fires.
/// @throws Cancelled when it has fired.
void pause(const Pause& how, std::chrono::milliseconds time, std::stop_token stop);

/// Whether the process of a run is known to have ended, by `answer` or, where that is empty, by
/// this machine's processes.
[[nodiscard]] bool is_dead(const IsDead& answer, const KnownRun& run);

/// Not thread-safe.
class OpenRuns {
public:
    /// @param own The collection that looks. Borrows the repository and the options.
    OpenRuns(Repository& repository, const PruneOptions& options, RunId own, std::stop_token stop);

    /// Looks for the first time. @return All that count and have no outcome yet.
    const std::vector<KnownRun>& look();

    /// Waits for the writers among them, and gives up whoever is dead.
    /// @return The writers that are still open when the time to wait is over.
    [[nodiscard]] std::vector<KnownRun> settle(PruneReport& report);

private:
    struct Watched {
        std::uint64_t sign = 0;
        std::chrono::steady_clock::time_point since;
    };

    /// No sign of life for long, by the storage's clock.
    [[nodiscard]] bool is_stale(const KnownRun& run) const;
    [[nodiscard]] bool has_watched_enough(const KnownRun& run);
    void give_up_dead(PruneReport& report);

    Repository& repository_;
    const PruneOptions& options_;
    RunId own_;
    std::stop_token stop_;
    std::optional<std::set<RunId>> counting_;  ///< Those of the first look.
    std::vector<KnownRun> open_;
    std::chrono::sys_seconds now_{};  ///< By the storage's clock: when this collection last put.
    std::map<RunId, Watched> watched_;
};

}  // namespace dbbackup
