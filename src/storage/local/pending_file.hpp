#pragma once

/// @file
/// A file on its way into a local store: written under a hidden name, then published whole.
/// Part of `LocalStorage::put`.

#include "base/bytes.hpp"
#include "sys/file.hpp"

#include <filesystem>
#include <stop_token>

namespace dbbackup {

/// One thread writes and publishes it; until published, its destructor removes it. It holds a lock
/// (flock) on the file, which ends with the process and tells `remove_abandoned` who is dead.
class PendingFile {
public:
    /// Makes an empty file, 0600, of a random name in `folder`; makes that folder, 0700, if needed.
    /// @throws FileError.
    explicit PendingFile(const std::filesystem::path& folder);
    PendingFile(const PendingFile&) = delete;
    PendingFile& operator=(const PendingFile&) = delete;
    ~PendingFile();

    /// Writes `content` and makes it durable.
    /// @throws FileError. @throws Cancelled.
    void write(BytesView content, const std::stop_token& stop);

    /// Gives the file its name. Returns false, and removes the file, when that name is taken.
    /// @throws FileError.
    bool publish(const std::filesystem::path& path);

    /// Removes the files beside this one whose writers are dead: nobody holds their lock, and by
    /// the file system's own clock they are an hour older than this one (network file systems may
    /// keep locks to one host). At worst a living writer's put fails and is tried again. What
    /// cannot be removed stays.
    void remove_abandoned() const noexcept;

private:
    std::filesystem::path folder_;
    std::filesystem::path path_;
    File file_;
};

}  // namespace dbbackup
