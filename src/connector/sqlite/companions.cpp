#include "connector/sqlite/companions.hpp"

#include "base/error.hpp"
#include "connector/sqlite/reachability.hpp"
#include "sys/file.hpp"
#include "sys/unfinished_file.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <exception>

namespace dbbackup::sqlite {
namespace {

sqlite3_vfs& system_vfs() { return *sqlite3_vfs_find(nullptr); }

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    constexpr int kMakesLog = SQLITE_OPEN_WAL | SQLITE_OPEN_CREATE;
    if ((flags & kMakesLog) == kMakesLog) {
        if (!static_cast<CompanionVfs*>(vfs->pAppData)->provide(name)) {
            file->pMethods = nullptr;
            return SQLITE_CANTOPEN;
        }
        flags &= ~SQLITE_OPEN_CREATE;
    }
    return system_vfs().xOpen(&system_vfs(), name, file, flags, flags_out);
}

/// Two may be open at once, and SQLite finds a VFS by its name only.
std::string unique_name() {
    static std::atomic<std::uint64_t> made{0};
    return fmt::format("db-backup-companions-{}", ++made);
}

/// Whether `file` now has the owner and the mode of the database, and its group if the mode gives
/// the group anything.
bool give_to_owner(const File& file, const FileFacts& database) {
    const int descriptor = file.descriptor();
    // Others than root may give a file of theirs to a group of theirs; what counts is the outcome.
    if (::fchown(descriptor, database.owner, database.group) != 0 && ::geteuid() == 0) {
        return false;
    }
    struct stat made{};
    if (::fchmod(descriptor, database.mode) != 0 || ::fstat(descriptor, &made) != 0) {
        return false;
    }
    constexpr std::uint32_t kForGroup = S_IRGRP | S_IWGRP;
    return made.st_uid == database.owner &&
           (made.st_gid == database.group || (database.mode & kForGroup) == 0);
}

/// Makes one that is not there. It gets its name only when it has its owner, so that nobody opens
/// one that he may not write: an index opened so stays read-only to all of that process.
/// @returns whether there is one now.
bool make_companion(const std::filesystem::path& database, std::string_view suffix) {
    const std::filesystem::path companion = companion_of(database, suffix);
    const auto wanted = facts_of(database);
    if (facts_of(companion)) {
        return true;
    }
    UnfinishedFile made(companion);
    if (!wanted || !give_to_owner(made.file(), *wanted)) {
        return false;
    }
    // Closing it drops no locks: SQLite has not opened it yet.
    static_cast<void>(made.publish());  // false: another program was faster
    return true;
}

}  // namespace

std::filesystem::path companion_of(const std::filesystem::path& database, std::string_view suffix) {
    std::filesystem::path companion = database;
    companion += suffix;
    return companion;
}

std::optional<std::filesystem::path> database_of(const std::filesystem::path& path) {
    const std::string name = path.filename().native();
    for (const std::string_view suffix : kCompanionSuffixes) {
        if (name.size() > suffix.size() && name.ends_with(suffix)) {
            return path.parent_path() / name.substr(0, name.size() - suffix.size());
        }
    }
    return std::nullopt;
}

bool has_log(const std::filesystem::path& database) {
    const auto facts = facts_of(companion_of(database, "-wal"));
    return facts && facts->size_bytes > 0;
}

bool may_have_hot_journal(const std::filesystem::path& database) {
    const std::filesystem::path journal = companion_of(database, "-journal");
    const auto facts = facts_of(journal);
    if (!facts || facts->size_bytes == 0) {
        return false;
    }
    try {
        // SQLite holds no locks on a journal, so that this one may be opened and closed.
        std::array<std::uint8_t, 1> first{};
        return File::open(journal, File::Mode::read).read_at(0, first) == 1 && first[0] != 0;
    } catch (const std::exception&) {
        return true;
    }
}

bool makes_companions_as_owner(const std::filesystem::path& database) noexcept {
    try {
        const auto wanted = facts_of(database);
        return wanted && give_to_owner(File::temporary(database.parent_path()), *wanted);
    } catch (const std::exception&) {
        return false;  // No file can be made there, by SQLite neither.
    }
}

void CompanionVfs::Unregister::operator()(sqlite3_vfs* vfs) const noexcept {
    sqlite3_vfs_unregister(vfs);
    std::default_delete<sqlite3_vfs>()(vfs);
}

CompanionVfs::CompanionVfs() : name_(unique_name()) {
    // Methods other than xOpen do not look at the object that they are called with.
    auto vfs = std::make_unique<sqlite3_vfs>(system_vfs());
    vfs->pNext = nullptr;
    vfs->zName = name_.c_str();
    vfs->pAppData = this;
    vfs->xOpen = open_file;
    if (sqlite3_vfs_register(vfs.get(), 0) != SQLITE_OK) {
        throw SourceError("cannot register a file system with SQLite");
    }
    vfs_.reset(vfs.release());
}

CompanionVfs::~CompanionVfs() = default;

bool CompanionVfs::provide(const char* log) noexcept {
    try {
        const auto database = database_of(log);
        if (database && facts_of(log) && facts_of(companion_of(*database, "-shm"))) {
            return true;
        }
        if (database && make_companion(*database, "-wal") && make_companion(*database, "-shm")) {
            return true;
        }
    } catch (const std::exception&) {
        // Refused below: no file can be made there.
    }
    has_refused_ = true;
    return false;
}

}  // namespace dbbackup::sqlite
