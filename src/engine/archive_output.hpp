#pragma once

/// @file
/// Archives: of a snapshot, or of a source without a repository.
///
/// Data path: storage -> unpacker -> archive writer -> byte sink, and
/// connector -> archive writer -> byte sink.

#include "archive/archive_writer.hpp"
#include "engine/backup.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// How an archive is made.
struct ArchiveRequest {
    Compression compression;
    unsigned jobs = 2;
    std::string tool;  ///< For the manifest of a zip archive: "db-backup 1.2.3".
};

/// What an archive holds.
struct ArchiveContents {
    ArchiveManifest manifest;
    std::uint64_t size_bytes = 0;  ///< Of its databases.
    double duration_s = 0;
};

/// A source in an archive.
struct SourceArchive {
    ArchiveContents contents;
    BackupReport report;  ///< In the words of a snapshot, but without an id.
};

/// Reads a source under its consistent view into an archive.
/// @param options Of these: type, source_name, jobs, tags. @param sink As below.
/// @throws ConfigError (code "database_ambiguous" where the archive can hold only one database);
/// SourceError; what the sink throws; Cancelled.
[[nodiscard]] SourceArchive archive_source(Connector& connector, const BackupOptions& options,
                                           const ArchiveRequest& request, ByteSink& sink,
                                           const Context& context, std::stop_token stop);

/// Writes what a snapshot holds, each database as `restore` would.
/// @param connector Of the kind of the snapshot. @param database Of a snapshot of several, the one
/// that is wanted; nothing: all.
/// @param sink Gets a whole archive when this returns. Everything else that it got is none.
/// @throws ConfigError (codes "database_unknown", and "database_ambiguous" where the archive can
/// hold only one); CorruptionError, StorageError; RepositoryError (code "snapshot_removed"); what
/// the sink throws; Cancelled.
[[nodiscard]] ArchiveContents export_snapshot(Repository& repository, const SnapshotId& snapshot,
                                              Connector& connector,
                                              const std::optional<std::string>& database,
                                              const ArchiveRequest& request, ByteSink& sink,
                                              const Context& context, std::stop_token stop);

}  // namespace dbbackup
