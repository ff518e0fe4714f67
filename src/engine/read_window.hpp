#pragma once

/// @file
/// How far the readers of one stream may run ahead of its slowest segment.

#include "repository/chunk_list.hpp"

#include <cstddef>
#include <map>
#include <set>

namespace dbbackup {

/// Segments are begun in the order of the plan and may end in any. What ended before an earlier one
/// did waits in memory for it, so that lists stay in order: what waits is bounded in chunks. Not
/// thread-safe.
class ReadWindow {
public:
    /// Twice what a list holds.
    static constexpr std::size_t kChunksMax = 2 * kListChunksMax;

    /// Whether one more may be begun. Always, when none is being read.
    [[nodiscard]] bool has_room() const noexcept {
        return open_.empty() || waiting_weight_ < kChunksMax;
    }
    void begin(std::size_t segment) { open_.insert(segment); }
    /// @param chunks That the segment has.
    void end(std::size_t segment, std::size_t chunks) {
        open_.erase(segment);
        waiting_.emplace(segment, chunks + 1);  // An empty segment takes room, too.
        waiting_weight_ += chunks + 1;
        while (!waiting_.empty() && (open_.empty() || waiting_.begin()->first < *open_.begin())) {
            waiting_weight_ -= waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
        }
    }

private:
    std::set<std::size_t> open_;                  ///< Being read.
    std::map<std::size_t, std::size_t> waiting_;  ///< Ended; what each weighs.
    std::size_t waiting_weight_ = 0;
};

}  // namespace dbbackup
