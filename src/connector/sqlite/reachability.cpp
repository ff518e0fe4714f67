#include "connector/sqlite/reachability.hpp"

#include "base/error.hpp"
#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/permission.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace dbbackup::sqlite {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr mode_t kAnyWrite = S_IWUSR | S_IWGRP | S_IWOTH;

/// f_type of statfs(2). Source: linux/magic.h; ZFS: include/os/linux/zfs/sys/zfs_vfsops_os.h.
constexpr std::array<std::uint64_t, 7> kLocalFileSystems = {
    0xef53,      // ext2, ext3, ext4
    0x58465342,  // XFS
    0x9123683e,  // Btrfs
    0xf2f52010,  // F2FS
    0x2fc12fc1,  // ZFS
    0x01021994,  // tmpfs
    0x794c7630,  // overlayfs
};

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * kNanosecondsPerSecond + time.tv_nsec;
}

SourceError missing(const std::filesystem::path& path) {
    return explained<SourceError>(fmt::format("there is no database {}", path.native()),
                                  "Check the path given with --database.", "source_missing");
}

bool may_be_written_by_somebody(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) != 0 || (status.st_mode & kAnyWrite) != 0;
}

/// SQLite opens what has these names, and opening a pipe waits for its other end for ever.
void check_companions(const std::filesystem::path& path) {
    for (const std::string_view suffix : kCompanionSuffixes) {
        const std::filesystem::path companion = companion_of(path, suffix);
        struct stat status{};
        if (::stat(companion.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
            throw explained<SourceError>(
                fmt::format("{} is not an ordinary file, though SQLite uses this name for what "
                            "belongs to {}",
                            companion.native(), path.native()),
                "Remove it or rename it, if it is not SQLite's.", "source_unreadable");
        }
    }
}

}  // namespace

std::optional<FileFacts> facts_of(const std::filesystem::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return std::nullopt;
        }
        throw unreadable(path, errno);
    }
    FileFacts facts;
    facts.device = status.st_dev;
    facts.inode = status.st_ino;
    facts.size_bytes = static_cast<std::uint64_t>(status.st_size);
    facts.modified_ns = nanoseconds(status.st_mtim);
    facts.changed_ns = nanoseconds(status.st_ctim);
    facts.owner = status.st_uid;
    facts.group = status.st_gid;
    facts.mode = status.st_mode & 0777U;
    return facts;
}

void check_reachable(const std::filesystem::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        throw errno == ENOENT || errno == ENOTDIR ? missing(path) : unreadable(path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        throw explained<SourceError>(
            fmt::format("{} is {}, not a database", path.native(),
                        S_ISDIR(status.st_mode) ? "a folder" : "not an ordinary file"),
            "Give the path of the database file itself.", "not_a_database");
    }
    // access(2) asks for the real user; the effective one opens the file.
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
        throw unreadable(path, errno);
    }
    check_companions(path);
}

std::filesystem::path real_path(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::path real = std::filesystem::canonical(path, error);
    if (!error) {
        return real;
    }
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
        throw missing(path);
    }
    throw unreadable(path, error.value());
}

bool nobody_can_write(const std::filesystem::path& path) {
    struct statvfs file_system{};
    if (::statvfs(path.c_str(), &file_system) == 0 && (file_system.f_flag & ST_RDONLY) != 0) {
        return true;
    }
    return !may_be_written_by_somebody(path) && !may_be_written_by_somebody(path.parent_path());
}

bool has_local_timestamps(const std::filesystem::path& path) {
    struct statfs file_system{};
    if (::statfs(path.c_str(), &file_system) != 0) {
        return false;
    }
    const auto type = static_cast<std::uint64_t>(file_system.f_type) & 0xffffffffU;
    return std::find(kLocalFileSystems.begin(), kLocalFileSystems.end(), type) !=
           kLocalFileSystems.end();
}

std::string identity_of(const std::filesystem::path& real_path) {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        name = {"localhost"};
    }
    return fmt::format("{}:{}", name.data(), real_path.native());
}

}  // namespace dbbackup::sqlite
