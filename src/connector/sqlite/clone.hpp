#pragma once

/// @file
/// A copy of a file that shares its blocks, made at once by file systems that can (Btrfs, XFS).
///
/// Made by a child process: opening the database here and closing it again would drop the locks
/// that SQLite holds in this process, and a lock of ours is what keeps the file still.

#include "sys/file.hpp"

#include <filesystem>
#include <optional>

namespace dbbackup::sqlite {

/// The clone, without a name, in `directory`; nothing when the file system cannot do it or
/// `directory` is on another one. Never throws for that: reading the file itself is the other way.
[[nodiscard]] std::optional<File> clone_file(const std::filesystem::path& path,
                                             const std::filesystem::path& directory);

}  // namespace dbbackup::sqlite
