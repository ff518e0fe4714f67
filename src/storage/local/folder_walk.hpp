#pragma once

/// @file
/// Reads one folder of a local store. Part of `LocalStorage::list`.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dbbackup {

/// A file or folder whose name can stand in an object name.
struct FolderEntry {
    std::string name;
    bool is_folder = false;
    std::uint64_t size_bytes = 0;
    std::chrono::sys_seconds modified_at;
};

/// Everything in `folder` that can be an object or hold some, sorted by name; hidden and foreign
/// names are left out. A folder that is missing, or goes meanwhile, is empty.
///
/// The folder is read to its end before anything is returned, so callers may create and remove
/// files in it while they use the result.
/// @throws FileError.
/// @throws StorageError for a symbolic link: following it could leave the store or go round in
/// circles, and passing over it would make whole folders look empty to a collector.
[[nodiscard]] std::vector<FolderEntry> read_folder(const std::filesystem::path& folder);

/// Refuses symbolic links in the way from `root` (itself allowed to be one) to `root / relative`.
/// @throws StorageError.
void refuse_links(const std::filesystem::path& root, const std::filesystem::path& relative);

}  // namespace dbbackup
