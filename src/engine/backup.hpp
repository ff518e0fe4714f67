#pragma once

/// @file
/// One backup: from a source to a committed snapshot.
///
/// Data path: connector -> segments (reuse | read | patch) -> chunker -> sealer -> packer ->
/// storage.

#include "base/clock.hpp"
#include "base/log.hpp"
#include "config/enums.hpp"
#include "connector/connector.hpp"
#include "engine/progress.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Whether a fallback from the change record to reading everything is allowed.
enum class Fallback : bool { allowed, refused };

/// @throws SourceError (code "fallback_refused") where it is refused.
void refuse_unwanted_fallback(Fallback fallback, const std::string& reason);

struct BackupOptions {
    DatabaseType type = DatabaseType::sqlite;
    /// What the user called the source; nothing: `Probe::suggested_name`.
    std::optional<std::string> source_name;
    BackupMode mode = BackupMode::incremental;
    Compression compression;
    DeltaPolicy delta = DeltaPolicy::automatic;
    unsigned jobs = 2;
    std::map<std::string, std::string> tags;
    Fallback fallback = Fallback::allowed;
    std::optional<std::uint64_t> read_bytes_per_s;  ///< The most to read of the source.
    bool is_native = false;
    bool is_dry_run = false;
};

/// What happened; the fields of `backup --json`.
struct BackupReport {
    SnapshotDetails snapshot;  ///< `summary.id` is empty for a dry run.
    double duration_s = 0;
    std::chrono::milliseconds writers_waited{0};
    /// A dry run: what would be read and taken over.
    std::uint64_t segments_to_read = 0;
    std::uint64_t segments_to_reuse = 0;
};

/// What the engine works with. Everything is borrowed and outlives the call.
struct Context {
    const Clock& clock;
    Log& log;
    Progress& progress;
};

/// Takes one snapshot.
/// @throws ConfigError when the source's name belongs to another identity (code
/// "source_name_taken"), SourceError, StorageError, RepositoryError; Cancelled. Nothing is visible
/// then; what was stored is found and reused by the next run.
[[nodiscard]] BackupReport back_up(Repository& repository, Connector& connector,
                                   const BackupOptions& options, const Context& context,
                                   std::stop_token stop);

}  // namespace dbbackup
