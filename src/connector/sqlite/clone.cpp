#include "connector/sqlite/clone.hpp"

#include "base/error.hpp"
#include "connector/sqlite/reachability.hpp"
#include "sys/child_environment.hpp"
#include "sys/file_error.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is not in <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace dbbackup::sqlite {
namespace {

/// Whether a clone of the file can be in the folder. One that cannot be looked at has none.
bool are_on_one_device(const std::filesystem::path& path, const std::filesystem::path& directory) {
    try {
        const auto file = facts_of(path);
        const auto folder = facts_of(directory);
        return file && folder && file->device == folder->device;
    } catch (const SourceError&) {
        return false;
    }
}

/// Runs `cp --reflink=always`, which fails rather than copy bytes. Returns whether it succeeded.
bool run_cp(const std::filesystem::path& from, const std::filesystem::path& to) {
    posix_spawn_file_actions_t actions;
    if (::posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    // "Operation not supported" is an answer here and not worth a line on the user's screen.
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::string program = "cp";
    std::string mode = "--reflink=always";
    std::string end = "--";
    std::string source = from.native();
    std::string target = to.native();
    std::array<char*, 6> arguments = {program.data(), mode.data(),   end.data(),
                                      source.data(),  target.data(), nullptr};
    const std::vector<char*> variables = child_environment();
    pid_t child = -1;
    const int failure = ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(),
                                       variables.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
        return false;
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::optional<File> clone_file(const std::filesystem::path& path,
                               const std::filesystem::path& directory) {
    if (!are_on_one_device(path, directory)) {
        return std::nullopt;
    }
    // A folder of its own, 0700, so that nobody else can put a link where the clone will be.
    std::string place = (directory / ".db-backup-clone.XXXXXX").native();
    if (::mkdtemp(place.data()) == nullptr) {
        return std::nullopt;
    }
    const std::filesystem::path clone = std::filesystem::path(place) / "image";
    std::optional<File> opened;
    if (run_cp(path, clone)) {
        try {
            opened = File::open(clone, File::Mode::read);
        } catch (const FileError&) {
            opened.reset();
        }
    }
    std::error_code ignored;  // what is left is an empty hidden folder
    std::filesystem::remove_all(place, ignored);
    return opened;
}

}  // namespace dbbackup::sqlite
