#pragma once

/// @file
/// When prunes of this machine made locks longer, so that the next one knows which end soon without
/// asking for each object.

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

namespace dbbackup {

/// One file per repository; it may be lost at any time: then all that lasts is locked anew. Not
/// thread-safe.
///
/// The first pass locks all that is there; each later one what would end within half the time. So
/// the end of a lock follows from when the object was stored and when the passes were.
class LockPasses {
public:
    /// @param file Nothing: remembers nothing. A file that is not as it should be, or of locks of
    /// another length, counts as none.
    LockPasses(std::optional<std::filesystem::path> file, std::chrono::days lock);

    /// Whether a pass at `now` has to lock an object anew that was stored at `stored_at`.
    [[nodiscard]] bool is_due(std::chrono::sys_seconds stored_at,
                              std::chrono::sys_seconds now) const;
    /// All that was due at `now` has been locked until `now` and the whole time.
    void add(std::chrono::sys_seconds now);
    /// Failures are ignored: the next prune locks more than it would have to.
    void save() const noexcept;

private:
    [[nodiscard]] std::chrono::sys_seconds end_of_lock(std::chrono::sys_seconds stored_at) const;

    std::optional<std::filesystem::path> file_;
    std::chrono::days lock_;
    std::vector<std::chrono::sys_seconds> passes_;  ///< Ascending.
};

}  // namespace dbbackup
