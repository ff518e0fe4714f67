#include "storage/local/folder_walk.hpp"

#include "base/error.hpp"
#include "storage/object_name.hpp"
#include "sys/file_error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

namespace dbbackup {
namespace {

struct FolderCloser {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, FolderCloser>;

StorageError link_error(const std::filesystem::path& path) {
    return explained<StorageError>(
        fmt::format("{} is a symbolic link, which a repository folder may not contain",
                    path.native()),
        "Move what it points to here, or mount the other disk in its place.");
}

/// Nothing when the file has gone meanwhile or is neither file nor folder.
std::optional<FolderEntry> described(DIR* folder, const std::filesystem::path& path,
                                     const char* name) {
    struct stat status{};
    if (::fstatat(::dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        throw FileError("read", path / name, errno);
    }
    if (S_ISLNK(status.st_mode)) {
        throw link_error(path / name);
    }
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return FolderEntry{name, S_ISDIR(status.st_mode), static_cast<std::uint64_t>(status.st_size),
                       std::chrono::sys_seconds(std::chrono::seconds(status.st_mtim.tv_sec))};
}

}  // namespace

std::vector<FolderEntry> read_folder(const std::filesystem::path& folder) {
    std::vector<FolderEntry> entries;
    const OpenFolder open_folder(::opendir(folder.c_str()));
    if (!open_folder) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return entries;
        }
        throw FileError("read", folder, errno);
    }
    for (;;) {
        errno = 0;
        // readdir is safe here: no other thread has this DIR.
        const dirent* const found = ::readdir(open_folder.get());
        if (found == nullptr) {
            // ENOENT: the folder was removed after it was opened.
            if (errno != 0 && errno != ENOENT) {
                throw FileError("read", folder, errno);
            }
            break;
        }
        if (!ObjectName::is_valid(found->d_name)) {
            continue;
        }
        if (auto entry = described(open_folder.get(), folder, found->d_name)) {
            entries.push_back(std::move(*entry));
        }
    }
    const auto by_name = [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; };
    std::sort(entries.begin(), entries.end(), by_name);
    // Some file systems tell a name twice when the folder changes while it is read.
    const auto same_name = [](const FolderEntry& a, const FolderEntry& b) {
        return a.name == b.name;
    };
    entries.erase(std::unique(entries.begin(), entries.end(), same_name), entries.end());
    return entries;
}

void refuse_links(const std::filesystem::path& root, const std::filesystem::path& relative) {
    std::filesystem::path path = root;
    for (const std::filesystem::path& segment : relative) {
        path /= segment;
        struct stat status{};
        if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
            throw link_error(path);
        }
    }
}

}  // namespace dbbackup
