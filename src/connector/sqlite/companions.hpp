#pragma once

/// @file
/// The files that SQLite keeps beside a database: its rollback journal, its write-ahead log and
/// the log's index. They must be of those who use the database, whoever backs it up.
///
/// Opening a database in WAL mode makes log and index where they are not there, and a backup
/// leaves them, since it must not checkpoint. If they belong to another user than the database,
/// its own programs can no longer open it. SQLite gives them the database's mode, and as root its
/// owner and group too (robustFchown in os_unix.c), but a moment after they have their names; for
/// anybody else they are his.
/// So they are made here, and only by who can give them to the database's owner; see
/// docs/decisions/0008-only-the-owner-makes-companions.md.

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3_vfs;

namespace dbbackup::sqlite {

inline constexpr std::array<std::string_view, 3> kCompanionSuffixes = {"-journal", "-wal", "-shm"};

/// "/srv/app.db-wal" for "/srv/app.db" and "-wal".
[[nodiscard]] std::filesystem::path companion_of(const std::filesystem::path& database,
                                                 std::string_view suffix);

/// The other way round; nothing when `path` does not end in one of the suffixes.
[[nodiscard]] std::optional<std::filesystem::path> database_of(const std::filesystem::path& path);

/// Whether the log has a byte. Without one, all of the database is in its file.
/// @throws SourceError when that cannot be asked for.
[[nodiscard]] bool has_log(const std::filesystem::path& database);

/// Whether a rollback journal is there that may have to be rolled back: one whose first byte is
/// not 0 (hasHotJournal in pager.c), or that cannot be read.
[[nodiscard]] bool may_have_hot_journal(const std::filesystem::path& database);

/// Whether a file that this process makes beside the database can have its owner and mode, and its
/// group if the mode gives the group anything. Tried with a file without a name: what a mount, a
/// container or a set-group-ID folder does to owners cannot be known otherwise.
[[nodiscard]] bool makes_companions_as_owner(const std::filesystem::path& database) noexcept;

/// The system's VFS, except that a log or an index that is not there is made with the owner, group
/// and mode of the database before SQLite opens it; where that cannot be done, opening fails
/// (SQLITE_CANTOPEN) with nothing made.
///
/// Between making and opening nothing is lost: SQLite opens the log while it holds SHARED on the
/// database, and removes log and index only while it holds EXCLUSIVE (sqlite3WalClose in wal.c).
/// Registered for as long as it lives, which must be longer than every connection opened with it.
class CompanionVfs {
public:
    CompanionVfs();
    CompanionVfs(const CompanionVfs&) = delete;
    CompanionVfs& operator=(const CompanionVfs&) = delete;
    ~CompanionVfs();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Whether it kept a companion from being made since it was made or told to forget.
    [[nodiscard]] bool has_refused() const noexcept { return has_refused_; }
    void forget_refusal() noexcept { has_refused_ = false; }

    /// For SQLite's callback: sees to it that the log named `log` and its index are there.
    [[nodiscard]] bool provide(const char* log) noexcept;

private:
    struct Unregister {
        void operator()(sqlite3_vfs* vfs) const noexcept;
    };

    bool has_refused_ = false;
    std::string name_;
    std::unique_ptr<sqlite3_vfs, Unregister> vfs_;
};

}  // namespace dbbackup::sqlite
