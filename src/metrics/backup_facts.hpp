#pragma once

/// @file
/// What metrics tell of backups and repositories, in the state file: it outlives every process, and
/// any of them may tell it.

#include "sys/own_database.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// How a backup into one repository ended.
enum class BackupResult : std::uint8_t {
    succeeded,
    incomplete,  ///< A snapshot was taken, but something was left out.
    failed,
    interrupted,  ///< Somebody asked it to end.
};
inline constexpr std::array kBackupResults = {BackupResult::succeeded, BackupResult::incomplete,
                                              BackupResult::failed, BackupResult::interrupted};

/// "succeeded" …
[[nodiscard]] std::string_view backup_result_name(BackupResult result);

/// Which backups belong together. Whoever shows them leaves out what the configuration named once
/// and does not any more.
struct BackupPlace {
    std::string source;
    std::string repository;  ///< Its name, or where it is; never with a secret.
    bool is_source_configured = false;
    bool is_repository_configured = false;
};

/// Of a backup that a snapshot came of.
struct SnapshotFacts {
    std::chrono::sys_seconds begun{};
    std::chrono::milliseconds duration{0};
    std::uint64_t bytes_source = 0;  ///< Size of what the snapshot describes.
    std::uint64_t bytes_read = 0;    ///< From the database.
    std::uint64_t bytes_added = 0;   ///< To the repository.
};

struct BackupEnd {
    BackupPlace place;
    BackupResult result = BackupResult::failed;
    std::chrono::sys_seconds ended{};
    std::optional<SnapshotFacts> snapshot;
};

/// All that is known of the backups of one source in one repository.
struct BackupHistory {
    BackupEnd last;
    std::optional<SnapshotFacts> newest;  ///< Of the last backup that a snapshot came of.
    std::uint64_t bytes_read_total = 0;
    std::uint64_t bytes_added_total = 0;
    std::map<BackupResult, std::int64_t> counts;
};

struct RepositoryFacts {
    std::string repository;
    bool is_configured = false;
    std::optional<std::uint64_t> pack_bytes;           ///< As counted, and what came since.
    std::optional<std::chrono::sys_seconds> counted;   ///< When `pack_bytes` was.
    std::optional<std::uint64_t> problems;             ///< That the last verification found.
    std::optional<std::chrono::sys_seconds> verified;  ///< When that was.
};

/// One thread at a time; other processes may use it at the same time. Throws OwnDatabaseError.
class BackupFacts {
public:
    /// Makes its tables where there are none. @param database Borrowed.
    /// @throws also RepositoryError (code "newer_version").
    explicit BackupFacts(OwnDatabase& database);

    void add(const BackupEnd& end);
    void note_size(const std::string& repository, bool is_configured, std::uint64_t pack_bytes,
                   std::chrono::sys_seconds now);
    void note_verified(const std::string& repository, bool is_configured, std::uint64_t problems,
                       std::chrono::sys_seconds now);
    /// In the caller's transaction. @param status "failed", "missed" …
    void count_runs(const std::string& job, std::string_view status, std::int64_t count);
    /// A scheduler has looked for what is due.
    void note_tick(std::chrono::sys_seconds now);

    /// By source and repository.
    [[nodiscard]] std::vector<BackupHistory> backups();
    [[nodiscard]] std::vector<RepositoryFacts> repositories();
    /// Runs by job and status.
    [[nodiscard]] std::map<std::pair<std::string, std::string>, std::int64_t> run_counts();
    [[nodiscard]] std::optional<std::chrono::sys_seconds> last_tick();

private:
    void add_snapshot(const BackupPlace& place, const SnapshotFacts& snapshot);
    /// @param update SQL that takes the value, the time and the repository.
    void note(const std::string& repository, bool is_configured, std::string_view update,
              std::uint64_t value, std::chrono::sys_seconds now);
    void touch_repository(const std::string& repository, bool is_configured);

    OwnDatabase& database_;
};

}  // namespace dbbackup
