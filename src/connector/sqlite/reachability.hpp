#pragma once

/// @file
/// What the file system says about a database file, asked by path only: never by opening it (see
/// `FileHandle`).

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dbbackup::sqlite {

/// What stat(2) tells about a file.
struct FileFacts {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    std::int64_t modified_ns = 0;  ///< mtime, since the epoch
    std::int64_t changed_ns = 0;   ///< ctime
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint32_t mode = 0;  ///< Permission bits only.
    friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

/// Nothing when there is no such file. @throws SourceError when it cannot be asked for.
[[nodiscard]] std::optional<FileFacts> facts_of(const std::filesystem::path& path);

/// @throws SourceError (source_missing, source_unreadable, not_a_database) unless `path` is an
/// ordinary file that this process may read.
void check_reachable(const std::filesystem::path& path);

/// The real path of a source: no symbolic links, no dots.
/// @throws SourceError (source_missing) when there is no such file.
[[nodiscard]] std::filesystem::path real_path(const std::filesystem::path& path);

/// Whether no process can change the file or make a journal beside it: the file system is mounted
/// read-only, or neither file nor folder has a write permission for anybody.
[[nodiscard]] bool nobody_can_write(const std::filesystem::path& path);

/// Whether timestamps of this file system come from this machine's own clock at the resolution of
/// a clock tick, which `Signs` needs: ext2 to 4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs.
[[nodiscard]] bool has_local_timestamps(const std::filesystem::path& path);

/// "db1:/srv/app.db": host name and real path.
[[nodiscard]] std::string identity_of(const std::filesystem::path& real_path);

}  // namespace dbbackup::sqlite
