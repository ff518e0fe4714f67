#include "connector/sqlite/target.hpp"

#include "base/units.hpp"
#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/database_set.hpp"
#include "connector/sqlite/reachability.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace dbbackup::sqlite {
namespace {

ConfigError not_writable(const std::filesystem::path& path, std::string_view why) {
    return explained<ConfigError>(fmt::format("cannot write to {}: {}", path.native(), why),
                                  "Give a path in a folder that this user may write.",
                                  "target_not_writable");
}

std::filesystem::path real_folder(const std::filesystem::path& target) {
    const std::filesystem::path folder = std::filesystem::absolute(target).parent_path();
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(folder, error);
    if (error == std::errc::no_such_file_or_directory) {
        throw explained<ConfigError>(fmt::format("there is no folder {}", folder.native()),
                                     "Make the folder first, or give another path.",
                                     "target_missing_folder");
    }
    if (error) {
        throw not_writable(target, error.message());
    }
    if (!std::filesystem::is_directory(real, error)) {
        throw not_writable(target, "the folder's name belongs to a file");
    }
    return real;
}

std::optional<FileFacts> facts_of_target(const std::filesystem::path& path) {
    try {
        return facts_of(path);
    } catch (const SourceError& error) {
        throw not_writable(path, error.what());
    }
}

bool is_database(const std::filesystem::path& path) {
    // Before any connection to it is open in this process: see FileHandle.
    try {
        return begins_like_database(path);
    } catch (const FileError& error) {
        throw not_writable(path, std::generic_category().message(error.error_number()));
    }
}

/// The identity is "host:path"; a hard link to that path is the same database too. A source that
/// this user cannot even look at is told by its path only: restoring must not depend on it.
bool is_source_of(const std::string& identity, const std::filesystem::path& target,
                  const FileFacts& facts) {
    if (identity == identity_of(target)) {
        return true;
    }
    const std::string host = identity_of("");
    if (!identity.starts_with(host)) {
        return false;
    }
    try {
        const auto source = facts_of(identity.substr(host.size()));
        return source && source->device == facts.device && source->inode == facts.inode;
    } catch (const SourceError&) {
        return false;
    }
}

void refuse_unasked(const Target& target) {
    if (target.is_source) {
        throw explained<ConfigError>(
            fmt::format("{} is the database that the snapshot was taken of", target.path.native()),
            "Restore to another path with --to, or write over it with --clean.",
            "target_is_source");
    }
    throw explained<ConfigError>(
        fmt::format("the target {} already exists", target.path.native()),
        "Restore to another path with --to, or write over it with --clean.", "target_not_empty");
}

void examine_existing(Target& target, const RestoreRequest& request, const FileFacts& facts) {
    std::error_code error;
    if (std::filesystem::is_directory(target.path, error)) {
        throw explained<ConfigError>(fmt::format("the target {} is a folder", target.path.native()),
                                     fmt::format("Give the name of a file, for example --to {}.",
                                                 (target.path / "restored.db").native()),
                                     "target_is_folder");
    }
    const bool is_ordinary = std::filesystem::is_regular_file(target.path, error);
    target.size_bytes = facts.size_bytes;
    const auto refuse_read_only = [&target] {
        if (::access(target.path.c_str(), W_OK) != 0) {
            throw not_writable(target.path, std::generic_category().message(errno));
        }
    };
    if (is_ordinary && facts.size_bytes == 0) {
        target.kind = TargetKind::empty_file;
        refuse_read_only();
        return;
    }
    if (!is_ordinary || !is_database(target.path)) {
        throw explained<ConfigError>(
            fmt::format("the target {} exists and is not a SQLite database", target.path.native()),
            "Restore to another path with --to; such a file is never replaced.",
            "target_not_a_database");
    }
    target.kind = TargetKind::database;
    target.is_source = is_source_of(request.source_identity, target.path, facts);
    // Chosen tables are added to what is there; whether one is there already is seen later.
    if (request.overwrite == Overwrite::no && request.selection.is_everything()) {
        refuse_unasked(target);
    }
    refuse_read_only();
}

/// SQLite takes a file of such a name for its own: it plays it into the database, or removes it.
void refuse_companion(const std::filesystem::path& path) {
    const auto database = database_of(path);
    std::error_code error;
    if (!database || !std::filesystem::is_regular_file(*database, error)) {
        return;
    }
    const auto facts = facts_of_target(*database);
    if (facts && (facts->size_bytes == 0 || is_database(*database))) {
        throw explained<ConfigError>(
            fmt::format("the target {} has the name of a file that SQLite keeps for the database "
                        "{}",
                        path.native(), database->native()),
            "Restore to another path with --to.", "target_is_companion");
    }
}

}  // namespace

void check_folder_writable(const std::filesystem::path& folder) {
    try {
        // Asking for permission is no proof: to root everything is permitted, even in /proc. The
        // file that is tried has no name.
        static_cast<void>(File::temporary(folder));
    } catch (const FileError& error) {
        if (error.is_full_disk()) {
            return;  // the plan tells how much is free
        }
        throw not_writable(folder, std::generic_category().message(error.error_number()));
    }
}

std::uint64_t free_in(const std::filesystem::path& folder) {
    try {
        return free_bytes(folder);
    } catch (const FileError& error) {
        throw not_writable(folder, std::generic_category().message(error.error_number()));
    }
}

Target examine_target(const RestoreRequest& request) {
    if (request.target.empty()) {
        throw explained<ConfigError>("a SQLite restore needs a path to write to", "Add --to PATH.",
                                     "target_missing");
    }
    const std::filesystem::path given(request.target);
    if (!given.has_filename()) {
        throw explained<ConfigError>(
            fmt::format("the target {} is a folder", request.target),
            fmt::format("Give the name of a file, for example --to {}restored.db.", request.target),
            "target_is_folder");
    }
    Target target;
    target.folder = real_folder(given);
    target.path = target.folder / given.filename();
    std::error_code error;
    if (std::filesystem::is_symlink(target.path, error)) {
        target.path = std::filesystem::canonical(target.path, error);
        if (error) {
            throw not_writable(given, "it is a symbolic link that leads nowhere");
        }
        target.folder = target.path.parent_path();
    }
    refuse_companion(target.path);
    if (const auto facts = facts_of_target(target.path)) {
        examine_existing(target, request, *facts);
    }
    if (target.kind != TargetKind::database) {
        refuse_old_journal(target.path);
    }
    check_folder_writable(target.folder);
    target.bytes_free = free_in(target.folder);
    return target;
}

std::string state_of(const Target& target) {
    switch (target.kind) {
        case TargetKind::new_file: return "new";
        case TargetKind::empty_file: return "empty";
        case TargetKind::database: break;
    }
    return fmt::format("database of {} bytes{}", target.size_bytes,
                       target.is_source ? ", the source itself" : "");
}

void refuse_old_journal(const std::filesystem::path& path) {
    for (const char* const suffix : {"-journal", "-wal"}) {
        const std::filesystem::path journal = path.native() + suffix;
        if (facts_of(journal)) {
            throw explained<ConfigError>(
                fmt::format("{} is left of an earlier database and would damage the restored one",
                            journal.native()),
                "Make sure that no program uses it, move it away and try again.",
                "target_has_journal");
        }
    }
}

void refuse_full(const Target& target, std::uint64_t bytes_needed) {
    if (bytes_needed > target.bytes_free) {
        throw explained<SourceError>(
            fmt::format("not enough space for {}: {} are needed, {} are free", target.path.native(),
                        format_size(bytes_needed), format_size(target.bytes_free)),
            "Free some space, or restore to another file system.", "target_full");
    }
}

SourceError target_failed(const FileError& error) {
    return explained<SourceError>(error.what(),
                                  error.is_full_disk()
                                      ? "Free some space, or restore to another file system."
                                      : "Check the disk of the target, or restore to another one.",
                                  error.is_full_disk() ? "target_full" : "target_failed");
}

}  // namespace dbbackup::sqlite
