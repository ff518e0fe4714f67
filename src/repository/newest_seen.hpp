#pragma once

/// @file
/// The newest snapshot of each source that this machine has seen, kept on this machine: so that a
/// storage that was rolled back or lost its newest snapshots does not go unnoticed
/// (docs/protocol.md, "Order").

#include "repository/ids.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>

namespace dbbackup {

/// One file per repository; it may be lost at any time. Not thread-safe.
class NewestSeen {
public:
    struct Entry {
        std::uint64_t sequence = 0;
        SnapshotId id;

        bool operator==(const Entry&) const = default;
    };

    /// @param file Nothing: remembers nothing. A file that is not as it should be counts as none.
    explicit NewestSeen(std::optional<std::filesystem::path> file);

    [[nodiscard]] const std::map<SourceId, Entry>& entries() const { return entries_; }
    void remember(const SourceId& source, const Entry& entry);
    void forget(const SourceId& source);
    /// Writes what changed. Failures are ignored: a backup must not fail for it.
    void save() noexcept;

private:
    std::optional<std::filesystem::path> file_;
    std::map<SourceId, Entry> entries_;
    bool is_changed_ = false;
};

}  // namespace dbbackup
