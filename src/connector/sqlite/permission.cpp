#include "connector/sqlite/permission.hpp"

#include "connector/sqlite/companions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dbbackup::sqlite {
namespace {

constexpr std::size_t kPasswordEntryBytesMax = 16384;

/// access(2) asks for the real user; what counts for open(2) is the effective one.
bool may(const std::filesystem::path& path, int access) {
    return ::faccessat(AT_FDCWD, path.c_str(), access, AT_EACCESS) == 0;
}

bool is_there(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
}

/// The first folder on the way to `path` that may not be entered.
std::optional<std::filesystem::path> closed_folder(const std::filesystem::path& path) {
    std::filesystem::path folder;
    for (const std::filesystem::path& part : path.parent_path()) {
        folder /= part;
        if (is_there(folder) && !may(folder, X_OK)) {
            return folder;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string name_of_user(uid_t user) {
    std::array<char, kPasswordEntryBytesMax> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return fmt::format("{}", user);
    }
    return fmt::format("{} ({})", found->pw_name, user);
}

std::string this_user() { return name_of_user(::geteuid()); }

std::string run_as_owner_of(const std::filesystem::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return "Run as a user who may read the file and its folder.";
    }
    if (status.st_uid == ::geteuid()) {
        return "Give the permission, or run as root.";
    }
    return fmt::format("Run as user {}, who owns {}{}.", name_of_user(status.st_uid), path.native(),
                       status.st_uid == 0 ? "" : ", or as root");
}

SourceError unreadable(const std::filesystem::path& path, int error_number) {
    std::string why = std::strerror(error_number);
    if (error_number == EACCES) {
        const auto folder = closed_folder(path);
        why = folder ? fmt::format("user {} may not enter the folder {}", this_user(),
                                   folder->native())
                     : fmt::format("user {} may not read it", this_user());
    }
    return explained<SourceError>(fmt::format("cannot read {}: {}", path.native(), why),
                                  run_as_owner_of(path), "source_unreadable");
}

std::optional<SourceError> missing_permission(const std::filesystem::path& database) {
    std::string what;
    for (const std::string_view suffix : kCompanionSuffixes) {
        const std::filesystem::path companion = companion_of(database, suffix);
        if (is_there(companion) && !may(companion, R_OK | W_OK)) {
            what = fmt::format("read and write {}", companion.native());
            break;
        }
    }
    // A journal that a crash left is rolled back into the file, and removed.
    if (what.empty() && !may(database, W_OK)) {
        what = fmt::format("write {}", database.native());
    } else if (what.empty() && !may(database.parent_path(), W_OK | X_OK)) {
        what = fmt::format("write the folder {}", database.parent_path().native());
    }
    if (what.empty()) {
        return std::nullopt;
    }
    return explained<SourceError>(
        fmt::format("cannot read {}, which has changes in its journal or log: user {} may not {}",
                    database.native(), this_user(), what),
        run_as_owner_of(database), "source_unreadable");
}

}  // namespace dbbackup::sqlite
