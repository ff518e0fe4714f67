#pragma once

/// @file
/// A file on its way into a local store: written under a hidden name, then published whole.
/// Part of `LocalStorage`.

#include "base/bytes.hpp"
#include "sys/direct_writer.hpp"
#include "sys/file.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
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

    /// Writes a part of a large file; `sync` makes them durable, before `publish`.
    /// @throws FileError.
    void write_at(std::uint64_t offset, BytesView part);
    void sync();

    /// Gives the file its name. Returns false, and removes the file, when that name is taken.
    /// @throws FileError.
    bool publish(const std::filesystem::path& path);

    /// Also when `publish` threw after that.
    [[nodiscard]] bool is_published() const noexcept { return path_.empty(); }

    /// Removes the files beside this one whose writers are dead: nobody holds their lock, and by
    /// the file system's own clock they are an hour older than this one (network file systems may
    /// keep locks to one host). At worst a living writer's put fails and is tried again. What
    /// cannot be removed stays.
    void remove_abandoned() const noexcept;

private:
    std::filesystem::path folder_;
    std::filesystem::path path_;
    File file_;
    std::optional<DirectWriter> parts_;
};

}  // namespace dbbackup
