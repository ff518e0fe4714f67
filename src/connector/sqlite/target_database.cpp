#include "connector/sqlite/target_database.hpp"

#include "base/error.hpp"
#include "connector/sqlite/definition.hpp"
#include "connector/sqlite/permission.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace dbbackup::sqlite {
namespace {

void refuse_strange_log(const Target& target, OpenOptions how, std::stop_token stop) {
    const CompanionVfs companions;
    how.vfs = companions.name();
    try {
        Database trial(target.path, how, std::move(stop));
        static_cast<void>(trial.integer("PRAGMA schema_version"));
    } catch (const SqliteError&) {
        if (companions.has_refused()) {
            throw explained<ConfigError>(
                fmt::format("cannot write over {} as user {}: its write-ahead log would have to be "
                            "made, and its owner could not use it",
                            target.path.native(), this_user()),
                run_as_owner_of(target.path), "target_not_writable");
        }
        // Anything else is told by who opens it for good.
    }
}

}  // namespace

std::unique_ptr<Database> open_for_writing(const Target& target, const CompanionVfs& companions,
                                           std::chrono::milliseconds lock_timeout,
                                           std::stop_token stop) {
    OpenOptions how;
    how.access = OpenOptions::Access::write;
    how.role = Role::target;
    how.lock_timeout = lock_timeout;
    if (makes_companions_as_owner(target.path)) {
        how.vfs = companions.name();
    } else {
        refuse_strange_log(target, how, stop);
    }
    return std::make_unique<Database>(target.path, how, std::move(stop));
}

void set_ownership(const File& file, const Target& target, std::string_view definition,
                   std::vector<std::string>& warnings) {
    const auto wanted = ownership_in(definition);
    if (!wanted) {
        return;
    }
    struct stat made{};
    if (::fstat(file.descriptor(), &made) != 0) {
        throw FileError("read the owner of", target.path, errno);
    }
    const bool is_other = made.st_uid != wanted->owner || made.st_gid != wanted->group;
    if (is_other && ::fchown(file.descriptor(), wanted->owner, wanted->group) != 0) {
        warnings.push_back(
            fmt::format("the file belongs to user {} and group {}, not to {} and {} as it did",
                        made.st_uid, made.st_gid, wanted->owner, wanted->group));
    }
    if (::fchmod(file.descriptor(), wanted->mode) != 0) {
        throw FileError("set the permissions of", target.path, errno);
    }
}

void give_name(UnfinishedFile& written, const Target& target) {
    refuse_old_journal(target.path);
    if (!written.publish()) {
        throw explained<ConfigError>(
            fmt::format("the target {} was made by somebody else meanwhile", target.path.native()),
            "Restore to another path with --to, or write over it with --clean.",
            "target_not_empty");
    }
}

void sync_folder(const Target& target) {
    try {
        sync_directory(target.folder);
    } catch (const FileError& error) {
        throw explained<SourceError>(
            fmt::format("{} holds the snapshot, but may not outlive a power failure: {}",
                        target.path.native(), error.what()),
            "Check the disk of the target.", "target_failed");
    }
}

}  // namespace dbbackup::sqlite
